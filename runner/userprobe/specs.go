package userprobe

import (
	"errors"
	"fmt"
	"maps"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// specsMap is the map in which programs that include libbpf's usdt.bpf.h find
// where the arguments of a static probe are, and cookieVariable the constant
// that tells them to find their entry by the cookie of the probe.
const (
	specsMap       = "__bpf_usdt_specs"
	kconfigMap     = ".kconfig"
	cookieVariable = "LINUX_HAS_BPF_COOKIE"
	cookieMap      = ".rodata.usdt"
)

// specs gives out the entries of that map. Probes with the same arguments share
// one.
type specs struct {
	entries *ebpf.Map // nil when the object has none
	known   map[string]uint64
}

func newSpecs(all map[string]*ebpf.Map) *specs {
	return &specs{entries: all[specsMap], known: map[string]uint64{}}
}

// add returns the number of the entry for arguments.
func (s *specs) add(arguments string) (uint64, error) {
	if s.entries == nil {
		return 0, nil // the program asks for none
	}
	if n, ok := s.known[arguments]; ok {
		return n, nil
	}
	args, err := parseArguments(arch.Host(), arguments)
	if err != nil {
		return 0, err
	}
	value := encode(args)
	if got := int(s.entries.ValueSize()); got != len(value) {
		return 0, fmt.Errorf("map %q has entries of %d bytes, want %d", specsMap, got, len(value))
	}
	n := uint64(len(s.known))
	if n >= uint64(s.entries.MaxEntries()) {
		return 0, fmt.Errorf("static probes with more than %d kinds of arguments, "+
			"build the gadget with a larger BPF_USDT_MAX_SPEC_CNT", s.entries.MaxEntries())
	}
	if err := s.entries.Put(uint32(n), value); err != nil {
		return 0, fmt.Errorf("saying where the arguments of a static probe are: %w", err)
	}
	s.known[arguments] = n
	return n, nil
}

// PrepareCookies answers, in spec, the question of usdt.bpf.h whether probes have
// cookies; the kernel's configuration does not have it.
func PrepareCookies(spec *ebpf.CollectionSpec) error {
	config := spec.Maps[kconfigMap]
	if config == nil {
		return nil
	}
	section, ok := config.Value.(*btf.Datasec)
	if !ok {
		return nil
	}
	for i, v := range section.Vars {
		if v.Type.TypeName() != cookieVariable {
			continue
		}
		if err := features.HaveProgramHelper(ebpf.Kprobe, asm.FnGetAttachCookie); errors.Is(err, ebpf.ErrNotSupported) {
			return fmt.Errorf("static probes need Linux 5.15: %w", err)
		}
		rest := *section
		rest.Vars = append(append([]btf.VarSecinfo{}, section.Vars[:i]...), section.Vars[i+1:]...)
		return moveCookie(spec, config, &rest, v)
	}
	return nil
}

// moveCookie puts the constant into a map of its own, out of the one that the
// loader fills from the kernel's configuration.
func moveCookie(spec *ebpf.CollectionSpec, config *ebpf.MapSpec, rest *btf.Datasec, v btf.VarSecinfo) error {
	data := make([]byte, config.ValueSize)
	if uint64(v.Offset) >= uint64(len(data)) {
		return fmt.Errorf("variable %s is outside of its section", cookieVariable)
	}
	data[v.Offset] = 1
	own := config.Copy()
	own.Name, own.Key, own.Value = cookieMap, &btf.Void{}, nil
	own.Contents = []ebpf.MapKV{{Key: uint32(0), Value: data}}
	spec.Maps = maps.Clone(spec.Maps)
	spec.Maps[cookieMap] = own
	config.Value = rest
	if len(rest.Vars) == 0 {
		delete(spec.Maps, kconfigMap)
	}
	for _, prog := range spec.Programs {
		for i := range prog.Instructions {
			ins := &prog.Instructions[i]
			if ins.Reference() == kconfigMap && ins.IsLoadFromMap() && uint32(uint64(ins.Constant)>>32) == v.Offset {
				*ins = ins.WithReference(cookieMap)
			}
		}
	}
	return nil
}
