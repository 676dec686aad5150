package engine

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// sharedTypes are structs of the public gadget API that objects relocate
// against although no kernel has them: runners may lay them out differently.
var sharedTypes = []string{gadgetapi.TypeSocket}

// ownTypes returns BTF of those sharedTypes that the object has: as those have
// them who fill its maps, else as it has them itself.
func (l *Loaded) ownTypes(spec *ebpf.CollectionSpec) ([]*btf.Spec, error) {
	if l.owners != nil {
		return sharedBTF(l.owners.Types())
	}
	if spec.Types == nil {
		return nil, nil // it has no object
	}
	return sharedBTF(spec.Types)
}

func sharedBTF(all *btf.Spec) ([]*btf.Spec, error) {
	var types []btf.Type
	for _, name := range sharedTypes {
		var s *btf.Struct
		switch err := all.TypeByName(name, &s); {
		case err == nil:
			types = append(types, s)
		case !errors.Is(err, btf.ErrNotFound):
			return nil, fmt.Errorf("reading struct %q of the object: %w", name, err)
		}
	}
	if len(types) == 0 {
		return nil, nil
	}
	b, err := btf.NewBuilder(types, nil)
	if err != nil {
		return nil, fmt.Errorf("building shared types: %w", err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		return nil, fmt.Errorf("building shared types: %w", err)
	}
	own, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("building shared types: %w", err)
	}
	return []*btf.Spec{own}, nil
}
