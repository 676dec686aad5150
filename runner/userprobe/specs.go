package userprobe

import (
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// specsMap is the map in which programs that include libbpf's usdt.bpf.h find
// where the arguments of a static probe are.
const specsMap = "__bpf_usdt_specs"

// specs gives out the entries of that map. Probes with the same arguments share
// one.
type specs struct {
	entries *ebpf.Map // nil when the object has none
	numbers map[string]uint64
}

func newSpecs(all map[string]*ebpf.Map) *specs {
	return &specs{entries: all[specsMap], numbers: map[string]uint64{}}
}

// add returns the number of the entry for arguments.
func (s *specs) add(arguments string) (uint64, error) {
	if s.entries == nil {
		return 0, nil // the program requests none
	}
	if n, ok := s.numbers[arguments]; ok {
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
	n := uint64(len(s.numbers))
	if n >= uint64(s.entries.MaxEntries()) {
		return 0, fmt.Errorf("static probes with more than %d kinds of arguments, "+
			"build the gadget with a larger BPF_USDT_MAX_SPEC_CNT", s.entries.MaxEntries())
	}
	if err := s.entries.Put(uint32(n), value); err != nil {
		return 0, fmt.Errorf("reading where the arguments of a static probe are: %w", err)
	}
	s.numbers[arguments] = n
	return n, nil
}
