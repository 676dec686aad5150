package runcmd

import (
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/packetfilter"
)

// packetFilterParams returns a parameter for each packet filter of the gadget.
func (s *session) packetFilterParams() []gadgetapi.Param {
	var out []gadgetapi.Param
	for _, name := range s.plan.PacketFilters {
		key := gadgetapi.PacketFilterParam(name)
		out = append(out, gadgetapi.Param{
			Var: key, Key: key, Type: gadgetapi.ParamString,
			ParamMetadata: gadgetapi.ParamMetadata{
				Description: "Show only packets that match an expression of pcap-filter(7): 'tcp port 80 and not host 10.0.0.1'",
			},
		})
	}
	return out
}

// setPacketFilters compiles the expressions of the packet filters.
func (s *session) setPacketFilters(values map[string]string) error {
	s.packetFilters = map[string]*packetfilter.Filter{}
	for _, name := range s.plan.PacketFilters {
		key := gadgetapi.PacketFilterParam(name)
		text := values[key]
		if text == "" {
			continue
		}
		filter, err := packetfilter.Parse(text)
		if err != nil {
			return fmt.Errorf("parameter --%s: %w", key, err)
		}
		s.packetFilters[name] = filter
	}
	return nil
}
