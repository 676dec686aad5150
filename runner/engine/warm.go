package engine

import (
	"errors"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/guard"
)

// WarmTypes decodes the types of the kernel that the plan's programs are relocated
// against, so that cache has them when Load needs them: some ten milliseconds, which
// another CPU can spend while the start waits for something else. An error shows
// again in Load.
func WarmTypes(plan *gadgetapi.Spec, cache *btf.Cache) (err error) {
	defer guard.Panics(&err)
	kernel, err := cache.Kernel()
	if err != nil {
		return err
	}
	noIDs := func(btf.Type) (btf.TypeID, error) { return 0, nil }
	for _, prog := range plan.Collection.Programs {
		var relocations []*btf.CORERelocation
		for i := range prog.Instructions {
			if r := btf.CORERelocationMetadata(&prog.Instructions[i]); r != nil {
				relocations = append(relocations, r)
			}
		}
		_, one := btf.CORERelocate(relocations, []*btf.Spec{kernel}, plan.Collection.ByteOrder, noIDs)
		err = errors.Join(err, one)
	}
	return err
}
