package inspect

import (
	"fmt"
	"maps"
	"runtime"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

// Program is one eBPF program and where it attaches.
type Program struct {
	Name    string `json:"name" yaml:"name"`
	Type    string `json:"type" yaml:"type"`
	Section string `json:"section" yaml:"section"`
	Attach  string `json:"attach,omitempty" yaml:"attach,omitempty"`
}

// Map is one eBPF map. Memory is what it can take in the kernel, in
// bytes, without the kernel's own overhead.
type Map struct {
	Name       string `json:"name" yaml:"name"`
	Type       string `json:"type" yaml:"type"`
	KeySize    uint32 `json:"keySize" yaml:"keySize"`
	ValueSize  uint32 `json:"valueSize" yaml:"valueSize"`
	MaxEntries uint32 `json:"maxEntries" yaml:"maxEntries"`
	Memory     int64  `json:"memory" yaml:"memory"`
}

// object reads the programs and maps, and the structs of the data sources.
func (a *Report) object(art *gadget.Artifact) error {
	if len(art.Object) == 0 {
		return nil
	}
	o, err := gadget.ReadObject(art.Object)
	if err != nil {
		return err
	}
	needs := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(o.Spec.Programs)) {
		p := o.Spec.Programs[name]
		a.Programs = append(a.Programs, Program{name, p.Type.String(), p.SectionName, p.AttachTo})
		needs[programNeed(p)] = true
	}
	for _, name := range slices.Sorted(maps.Keys(o.Spec.Maps)) {
		m := o.Spec.Maps[name]
		a.Maps = append(a.Maps, Map{name, m.Type.String(), m.KeySize, m.ValueSize, m.MaxEntries, mapMemory(m)})
		needs[mapNeed(m.Type)] = true
	}
	delete(needs, "")
	a.Requires = slices.Sorted(maps.Keys(needs))
	for _, s := range o.Sources {
		a.source(s)
	}
	return nil
}

// source adds what the object knows of a data source to what the metadata
// know of it.
func (a *Report) source(s gadget.ObjectSource) {
	i := slices.IndexFunc(a.DataSources, func(have Source) bool { return have.Name == s.Name })
	if i < 0 {
		i = len(a.DataSources)
		a.DataSources = append(a.DataSources, Source{Name: s.Name})
	}
	described := map[string]string{}
	for _, f := range a.DataSources[i].Fields {
		described[f.Name] = f.Description
	}
	src := Source{Name: s.Name, Kind: string(s.Kind)}
	for _, st := range s.Structs {
		for _, m := range st.Members {
			src.Fields = append(src.Fields, Field{m.Name, typeName(m.Type), described[m.Name]})
		}
	}
	a.DataSources[i] = src
}

// maxTypeDepth bounds a type of a type: one can contain itself.
const maxTypeDepth = 16

// typeName is how C writes a type.
func typeName(t btf.Type) string { return nestedName(t, 0) }

func nestedName(t btf.Type, depth int) string {
	if depth > maxTypeDepth {
		return "..."
	}
	switch t := t.(type) {
	case *btf.Array:
		return fmt.Sprintf("%s[%d]", nestedName(t.Type, depth+1), t.Nelems)
	case *btf.Pointer:
		return "pointer"
	case *btf.Struct:
		return "struct " + t.Name
	case *btf.Union:
		return "union " + t.Name
	case *btf.Enum:
		return "enum " + t.Name
	case *btf.Const:
		return nestedName(t.Type, depth+1)
	case *btf.Volatile:
		return nestedName(t.Type, depth+1)
	}
	return t.TypeName()
}

// mapMemory estimates what a full map takes.
func mapMemory(m *ebpf.MapSpec) int64 {
	switch m.Type {
	case ebpf.RingBuf:
		return int64(m.MaxEntries)
	case ebpf.PerfEventArray:
		return 0 // its buffers belong to the reader
	case ebpf.PerCPUArray, ebpf.PerCPUHash, ebpf.LRUCPUHash:
		return int64(m.MaxEntries) * (int64(m.KeySize) + int64(m.ValueSize)*int64(runtime.NumCPU()))
	}
	return int64(m.MaxEntries) * (int64(m.KeySize) + int64(m.ValueSize))
}

// programNeed is the kernel feature that a program needs, with the release
// that brought it; empty for what every supported kernel has.
func programNeed(p *ebpf.ProgramSpec) string {
	switch p.Type {
	case ebpf.Tracing:
		if p.AttachType == ebpf.AttachTraceIter {
			return "BPF iterators (Linux 5.8), kernel BTF"
		}
		return "BPF trampolines, fentry and fexit (Linux 5.5; 6.0 on arm64), kernel BTF"
	case ebpf.LSM:
		return "BPF LSM (Linux 5.7), \"bpf\" among the active LSMs"
	case ebpf.RawTracepoint, ebpf.RawTracepointWritable:
		return "raw tracepoints (Linux 4.17)"
	case ebpf.Kprobe:
		if p.AttachType == ebpf.AttachTraceKprobeMulti {
			return "kprobe.multi (Linux 5.18)"
		}
	}
	return ""
}

// mapNeed is the same for a map.
func mapNeed(t ebpf.MapType) string {
	switch t {
	case ebpf.RingBuf:
		return "ring buffer (Linux 5.8)"
	case ebpf.TaskStorage:
		return "task local storage (Linux 5.11)"
	case ebpf.SkStorage:
		return "socket local storage (Linux 5.2)"
	case ebpf.CGroupStorage:
		return "cgroup local storage (Linux 4.19)"
	}
	return ""
}
