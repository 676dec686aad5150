package engine

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/packetfilter"
)

// setPacketFilters puts filters, by the names of the object's packet filters, in
// place of their placeholder functions. A function without filter keeps its
// body, which lets every packet pass.
func setPacketFilters(spec *ebpf.CollectionSpec, filters map[string]*packetfilter.Filter) error {
	for name, filter := range filters {
		for program, pr := range spec.Programs {
			out, err := replaceFunction(pr.Instructions, gadgetapi.PacketFilterPrefix+name,
				func(label string) (asm.Instructions, error) {
					return filter.Body(pr.Type, label)
				})
			if err != nil {
				return fmt.Errorf("program %q: %w", program, err)
			}
			pr.Instructions = out
		}
	}
	return nil
}

// replaceFunction returns instructions in which the function called name has the
// body that body makes with labels of a prefix. The kernel finds the function by
// what its first instruction carries.
func replaceFunction(all asm.Instructions, name string, body func(label string) (asm.Instructions,
	error),
) (asm.Instructions, error) {
	begin := -1
	for i := range all {
		if all[i].Symbol() == name && btf.FuncMetadata(&all[i]) != nil {
			begin = i
			break
		}
	}
	if begin < 0 {
		return all, nil
	}
	end := begin + 1
	for end < len(all) && btf.FuncMetadata(&all[end]) == nil {
		end++
	}
	fresh, err := body(name + ".")
	if err != nil {
		return nil, err
	}
	fresh[0].Metadata = all[begin].Metadata
	out := append(asm.Instructions{}, all[:begin]...)
	return append(append(out, fresh...), all[end:]...), nil
}
