package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// program is the relocations of one program, with the functions that it calls.
type program struct {
	name  string
	relos []*btf.CORERelocation
}

// relocations returns the programs of an object.
func relocations(object []byte) ([]program, error) {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		return nil, err
	}
	var programs []program
	for name, p := range spec.Programs {
		found := program{name: name}
		seen := map[string]bool{}
		for i := range p.Instructions {
			r := btf.CORERelocationMetadata(&p.Instructions[i])
			if r == nil || seen[fmt.Sprint(r)] {
				continue
			}
			seen[fmt.Sprint(r)] = true
			found.relos = append(found.relos, r)
		}
		programs = append(programs, found)
	}
	return programs, nil
}

// parse reads the BTF of a kernel.
func parse(data []byte) (*btf.Spec, error) { return btf.LoadSpecFromReader(bytes.NewReader(data)) }

// fixups describes what the loader makes of each relocation. One that writes the id
// of a type depends on how types are numbered, and is left out.
func (p program) fixups(kernel *btf.Spec) []string {
	local := func(btf.Type) (btf.TypeID, error) { return 1, nil }
	var out []string
	for _, r := range p.relos {
		if strings.Contains(fmt.Sprint(r), "target_type_id") {
			continue
		}
		fixup, err := btf.CORERelocate([]*btf.CORERelocation{r}, []*btf.Spec{kernel}, binary.LittleEndian, local)
		out = append(out, fmt.Sprintf("%+v %v", fixup, err))
	}
	return out
}
