package runcmd

import (
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// TestPacketFilterParams gives the packet filters of a gadget their expressions.
func TestPacketFilterParams(t *testing.T) {
	plan, err := gadgetapi.Read(gadgettest.File(t, "capture.bpf.o"), gadgetapi.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	s := &session{plan: plan, metadata: gadgetapi.Metadata{ParamDefaults: map[string]string{
		gadgetapi.ParamQualifier + "pf-second": "udp",
	}}}
	var keys []string
	for _, p := range s.params() {
		keys = append(keys, p.Key)
	}
	if got := strings.Join(keys, " "); got != "snaplen pf pf-second" {
		t.Errorf("parameters %q", got)
	}
	values, err := ParseParams(s.params(), []string{"--operator.oci.ebpf.pf", "tcp port 80"})
	if err != nil {
		t.Fatal(err)
	}
	s.withDefaults(s.params(), values)
	if err := s.setPacketFilters(values); err != nil || len(s.packetFilters) != 2 {
		t.Errorf("%d filters, %v; want that of the flag and that of gadget.yaml", len(s.packetFilters), err)
	}
	err = s.setPacketFilters(map[string]string{"pf": "tcp prt 80"})
	if err == nil || !strings.Contains(err.Error(), `parameter --pf: packet filter "tcp prt 80": "prt" is not expected`) {
		t.Errorf("got %v", err)
	}
}
