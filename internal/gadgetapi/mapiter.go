package gadgetapi

import (
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

// iterableMaps are the types of maps whose content can be a data source.
var iterableMaps = []ebpf.MapType{
	ebpf.Hash, ebpf.LRUHash, ebpf.PerCPUHash, ebpf.LRUCPUHash, ebpf.Array, ebpf.PerCPUArray,
}

// IsPerCPU reports whether a map has a value for each CPU.
func IsPerCPU(t ebpf.MapType) bool {
	return t == ebpf.PerCPUHash || t == ebpf.LRUCPUHash || t == ebpf.PerCPUArray
}

func (s *Spec) mapIterator(parts []string) {
	t := Table{Name: parts[0], Kind: MapIterator, Map: parts[1], LostMap: s.lostMap(parts[1])}
	defer func() { s.Tables = append(s.Tables, t) }()
	m, ok := s.Collection.Maps[t.Map]
	if !ok {
		s.fail("data source %q reads map %q, which does not exist, %s", t.Name, t.Map, nearest.Advice(t.Map, s.MapNames()))
		return
	}
	if !slices.Contains(iterableMaps, m.Type) {
		s.fail("data source %q reads map %q, which is a %s, use a hash map or an array, also per CPU", t.Name, t.Map, m.Type)
		return
	}
	t.Key = s.side(t, "key", m.Key, m.KeySize)
	t.Value = s.side(t, "value", m.Value, m.ValueSize)
	if t.Key != nil && t.Value != nil {
		t.Event = entry(t)
	}
}

// side returns the struct of the key or the value of a map.
func (s *Spec) side(t Table, what string, typ btf.Type, size uint32) *btf.Struct {
	if typ == nil {
		s.fail("map %q of data source %q has no type for its %s, declare it with __type(%s, struct ...)", t.Map, t.Name, what,
			what)
		return nil
	}
	base, _ := Resolve(typ)
	st, ok := base.(*btf.Struct)
	if !ok {
		s.fail("map %q of data source %q has a %s that is not a struct, wrap it in one", t.Map, t.Name, what)
		return nil
	}
	if size != st.Size {
		s.fail("map %q of data source %q has a %s of %d bytes, but its struct has %d", t.Map, t.Name, what, size, st.Size)
		return nil
	}
	return st
}

// entry returns the struct of one entry: the members of the key, then those of
// the value.
func entry(t Table) *btf.Struct {
	out := &btf.Struct{Name: t.Map, Size: t.Key.Size + t.Value.Size}
	out.Members = append(out.Members, t.Key.Members...)
	for _, m := range t.Value.Members {
		m.Offset += btf.Bits(t.Key.Size * 8)
		out.Members = append(out.Members, m)
	}
	return out
}

// isSection reports whether a map holds the variables of a section.
func isSection(name string) bool { return strings.HasPrefix(name, ".") }
