package engine

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/rules-gadget/rules_gadget/runner/sockets"
)

// TestUnusedOwners leaves out a map of owners that only came with a header.
func TestUnusedOwners(t *testing.T) {
	used := asm.Instructions{asm.LoadMapPtr(asm.R1, 0).WithReference(sockets.MapName), asm.Return()}
	for name, c := range map[string]struct {
		in   asm.Instructions
		want bool
	}{"used": {used, true}, "unused": {asm.Instructions{asm.Return()}, false}} {
		spec := &ebpf.CollectionSpec{
			Maps:     map[string]*ebpf.MapSpec{sockets.MapName: {}, "other": {}},
			Programs: map[string]*ebpf.ProgramSpec{"program": {Instructions: c.in}},
		}
		if got := usesMap(spec, sockets.MapName); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
		if c.want {
			continue
		}
		owners := (&Loaded{}).openOwners(spec, LoadOptions{})
		if owners != nil || spec.Maps[sockets.MapName] != nil || spec.Maps["other"] == nil {
			t.Errorf("%s: owners %v, maps %v", name, owners, spec.Maps)
		}
	}
}
