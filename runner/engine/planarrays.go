package engine

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// Iter is a data source of arrays that BPF iterators fill: the entries of all
// its programs together.
type Iter struct {
	Name     string
	Programs []string
	Event    *btf.Struct
}

// MapIter is a data source of arrays: the entries of a hash map, which reading
// removes.
type MapIter struct {
	Name       string
	Map        string
	Key, Value *btf.Struct
}

// iterKinds are the iterators that this runner reads.
var iterKinds = map[string]bool{"task": true, "task_file": true, "tcp": true, "udp": true, "ksym": true, "bpf_map_elem": true}

func (p *Plan) addIter(decl string) error {
	parts := strings.Split(decl, partSeparator)
	if len(parts) < 3 {
		return fmt.Errorf("iterator declaration %q has %d parts, want name, struct and programs", decl, len(parts))
	}
	it := Iter{Name: parts[0], Programs: parts[2:]}
	if err := p.Spec.Types.TypeByName(parts[1], &it.Event); err != nil {
		return fmt.Errorf("iterator %q: finding struct %q: %w", it.Name, parts[1], err)
	}
	for _, name := range it.Programs {
		pr, ok := p.Spec.Programs[name]
		if !ok {
			return fmt.Errorf("iterator %q: the object has no program %q", it.Name, name)
		}
		if pr.Type != ebpf.Tracing || !iterKinds[pr.AttachTo] || !isIter(pr.SectionName) {
			return fmt.Errorf("iterator %q: section %q of program %q is none of an iterator that this runner reads", it.Name, pr.SectionName, name)
		}
	}
	p.Iters = append(p.Iters, it)
	return nil
}

func isIter(section string) bool { return strings.HasPrefix(section, "iter/") }

func (p *Plan) addMapIter(decl string) error {
	parts := strings.Split(decl, partSeparator)
	if len(parts) != 2 {
		return fmt.Errorf("map iterator declaration %q has %d parts, want name and map", decl, len(parts))
	}
	it := MapIter{Name: parts[0], Map: parts[1]}
	m, ok := p.Spec.Maps[it.Map]
	if !ok {
		return fmt.Errorf("map iterator %q: the object has no map %q", it.Name, it.Map)
	}
	if it.Key, ok = m.Key.(*btf.Struct); !ok {
		return fmt.Errorf("map iterator %q: the key of map %q is not a struct", it.Name, it.Map)
	}
	if it.Value, ok = m.Value.(*btf.Struct); !ok {
		return fmt.Errorf("map iterator %q: the value of map %q is not a struct", it.Name, it.Map)
	}
	if m.KeySize != it.Key.Size || m.ValueSize != it.Value.Size {
		return fmt.Errorf("map iterator %q: map %q has other sizes than its key and value structs", it.Name, it.Map)
	}
	p.MapIters = append(p.MapIters, it)
	return nil
}

// entry returns the struct of one entry: the members of the key, then those of
// the value.
func (it MapIter) entry() *btf.Struct {
	out := &btf.Struct{Name: it.Map, Size: it.Key.Size + it.Value.Size}
	out.Members = append(out.Members, it.Key.Members...)
	for _, m := range it.Value.Members {
		m.Offset += btf.Bits(it.Key.Size * 8)
		out.Members = append(out.Members, m)
	}
	return out
}

// targetMap returns the map that an iterator of map elements reads, "" when the
// object names none.
func (p *Plan) targetMap(program string) string {
	for name := range p.Spec.Maps {
		var v *btf.Var
		if p.Spec.Types.TypeByName(iterMapPrefix+program+partSeparator+name, &v) == nil {
			return name
		}
	}
	return ""
}

// NeedsBTF reports whether a program has relocations, so that loading it needs
// the BTF of the kernel.
func (p *Plan) NeedsBTF() bool {
	for _, spec := range p.Spec.Programs {
		for i := range spec.Instructions {
			if btf.CORERelocationMetadata(&spec.Instructions[i]) != nil {
				return true
			}
		}
	}
	return false
}
