package inspect

import (
	"cmp"
	"fmt"
	"maps"
	"runtime"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
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

// object reads the programs and maps, and the structs of the data sources: those of the
// object and those that operators fill.
func (a *Report) object(art *gadget.Artifact) error {
	spec := gadgetapi.Empty()
	ofOperators, err := a.md.OperatorParams()
	if err != nil {
		return fmt.Errorf("gadget.yaml: %w", err)
	}
	if len(art.Object) > 0 {
		if spec, err = gadgetapi.Read(art.Object, a.md.API()); err != nil {
			return err
		}
		a.objectParams(spec.Params)
	}
	for _, p := range ofOperators {
		a.Params = append(a.Params, described(p))
	}
	for _, p := range spec.Programs {
		a.Programs = append(a.Programs, Program{p.Name, p.Type.String(), p.Section, p.AttachTo})
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Collection.Maps)) {
		m := spec.Collection.Maps[name]
		a.Maps = append(a.Maps, Map{name, m.Type.String(), m.KeySize, m.ValueSize, m.MaxEntries, mapMemory(m)})
	}
	a.Requires = spec.Requires()
	sources, err := a.md.Sources(spec, gadgetapi.DescribeOptions{})
	if err != nil {
		return err
	}
	for _, s := range sources {
		a.source(s)
	}
	return nil
}

// described is a parameter as the report has it.
func described(p gadgetapi.Param) Param {
	return Param{p.Key, string(p.Type), p.Value(), cmp.Or(p.Description, p.Title)}
}

// objectParams replaces what the metadata have about the parameters of the object by
// the combination of the object and the metadata.
func (a *Report) objectParams(params []gadgetapi.Param) {
	ofWasm := slices.DeleteFunc(a.Params, func(p Param) bool { return p.Type == "" })
	a.Params = nil
	for _, p := range params {
		a.Params = append(a.Params, described(p))
	}
	a.Params = append(a.Params, ofWasm...)
}

// source replaces what the metadata have about a data source by the combination of
// the object and the metadata.
func (a *Report) source(s *gadgetapi.Source) {
	i := slices.IndexFunc(a.DataSources, func(have Source) bool { return have.Name == s.Name })
	if i < 0 {
		i = len(a.DataSources)
		a.DataSources = append(a.DataSources, Source{})
	}
	src := Source{Name: s.Name, Kind: string(s.Kind), Description: s.Annotations[gadgetapi.AnnotationDescription]}
	fields := slices.Clone(s.All())
	slices.SortStableFunc(fields, func(x, y *gadgetapi.Field) int { // those of containers are the same in all gadgets
		return cmp.Compare(order(x), order(y))
	})
	for _, f := range fields {
		src.Fields = append(src.Fields, Field{f.FullName, f.TypeName(), f.Annotations[gadgetapi.AnnotationDescription]})
	}
	a.DataSources[i] = src
}

// order puts the fields of containers after all others.
func order(f *gadgetapi.Field) int {
	if f.Provider == gadgetapi.ProviderContainers {
		return 1
	}
	return 0
}

// mapMemory estimates what a full map takes.
func mapMemory(m *ebpf.MapSpec) int64 {
	entries, key, value := int64(m.MaxEntries), int64(m.KeySize), int64(m.ValueSize)
	switch m.Type {
	case ebpf.RingBuf:
		return entries
	case ebpf.PerfEventArray:
		return 0 // its buffers belong to the reader
	case ebpf.PerCPUArray, ebpf.PerCPUHash, ebpf.LRUCPUHash:
		return entries * (key + perCPU(value))
	}
	return entries * (key + value)
}

// perCPU is what a value takes that there is for each processor which the machine may
// have: the kernel rounds it up to 8 bytes.
func perCPU(value int64) int64 {
	const align = 8
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		cpus = runtime.NumCPU()
	}
	return (value + align - 1) / align * align * int64(cpus)
}
