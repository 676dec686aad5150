package compat

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/feature"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// relocationCell explains one result.
func relocationCell(r Relocation, result byte) Cell {
	switch result {
	case 'r':
		return Cell{Status: Resolved}
	case 'a':
		if r.Guarded {
			return Cell{Guarded, "this kernel has no " + r.Access + "; the program tests for it", ""}
		}
		return Cell{
			Absent, "this kernel has no " + r.Access + ", and nothing tests for it before it is used",
			"ask with bpf_core_field_exists, bpf_core_type_exists or bpf_core_enum_value_exists, and take another way",
		}
	case 'm':
		return Cell{
			Ambiguous, "this kernel has several types for " + r.Access + " that give different answers",
			"describe the type with more of its members, so that only one fits, or with a ___flavour",
		}
	}
	return Cell{Failed, "the relocation of " + r.Access + " could not be worked out", "look into the btfgen report"}
}

// programCells says for each program whether it can load on k.
func (b *builder) programCells(r Report, k Kernel, objects []Object) []Cell {
	cells := make([]Cell, len(b.m.Programs))
	bad := map[string]Cell{}   // program to what its relocations say
	asked := map[string]bool{} // constants that are tested for, and whether this kernel has them
	for i, rel := range r.Relocations {
		if rel.Kind == "enumval_exists" {
			asked[rel.Access[strings.LastIndexAny(rel.Access, ".:")+1:]] = k.Results[i] == 'r'
		}
		if c := relocationCell(rel, k.Results[i]); c.Status != Resolved && c.Status != Guarded {
			for _, p := range programsOf(rel) {
				if bad[p].Status == "" {
					bad[p] = Cell{Misplaced, c.Cause, c.Hint}
				}
			}
		}
	}
	for _, o := range objects {
		for _, p := range o.Programs {
			cells[b.progs[p.Name]] = programCell(p, k, bad[p.Name], asked)
		}
		b.replace(cells, o)
	}
	return cells
}

// replace marks the programs of an object that do not load, but whose place another one
// takes: one with a fallback that loads, and a fallback that is not needed.
func (b *builder) replace(cells []Cell, o Object) {
	status := func(name string) Status {
		if i, ok := b.progs[name]; ok {
			return cells[i].Status
		}
		return NotInObject
	}
	works := map[string]bool{} // or one of its fallbacks does
	for _, p := range o.Programs {
		for name := p.Name; status(name) != NotInObject && !works[p.Name]; name += gadgetapi.FallbackSuffix {
			works[p.Name] = status(name) == Loads
		}
	}
	for _, p := range o.Programs {
		c := &cells[b.progs[p.Name]]
		fallback := p.Name + gadgetapi.FallbackSuffix
		first, isFallback := strings.CutSuffix(p.Name, gadgetapi.FallbackSuffix)
		switch {
		case c.Status.Good():
		case works[fallback]:
			*c = Cell{Replaced, fmt.Sprintf("%s; program %q takes its place", c.Cause, fallback), ""}
		case isFallback && status(first) == Loads:
			*c = Cell{Replaced, fmt.Sprintf("program %q loads, so that it is not needed", first), ""}
		}
	}
}

// programCell reports whether one program can load on k. The hardest obstacle
// comes first.
func programCell(p Program, k Kernel, bad Cell, asked map[string]bool) Cell {
	if c := tooOld(p, k, asked); c.Status == TooOld {
		return c
	} else if bad.Status != "" {
		return bad
	} else if p.KernelBTF != "" {
		return Cell{
			NeedsBTF, p.KernelBTF + "; a btfgen layer cannot replace that",
			"for kernels without BTF add a program " + p.Name + gadgetapi.FallbackSuffix +
				" on a tracepoint, raw_tracepoint or kprobe",
		}
	} else if n := typedNeed(p, k, asked); n != nil {
		return Cell{NeedsBTF, n.reason() + "; a btfgen layer cannot replace that", withoutTypes}
	} else if c.Status != "" {
		return c
	}
	return Cell{Status: Loads}
}

// typedNeed returns what p needs the kernel's own BTF for on a kernel that is young
// enough for it, or nil. Code that runs only after a test for what the kernel lacks does not count.
func typedNeed(p Program, k Kernel, asked map[string]bool) *Need {
	have, ok := feature.ParseRelease(k.Release)
	i := slices.IndexFunc(p.Needs, func(n Need) bool {
		return ok && n.KernelBTF && !have.Before(n.Since) && !slices.ContainsFunc(n.Guards, func(g string) bool {
			exists, tested := asked[g]
			return tested && !exists
		})
	})
	if i < 0 {
		return nil
	}
	return &p.Needs[i]
}

// backports are the distributions whose kernels have more than their number
// says.
var backports = []string{"rhel", "centos", "ol", "rocky", "almalinux", "sles", "opensuse-leap"}

// tooOld compares what the program needs with the kernel's number.
func tooOld(p Program, k Kernel, asked map[string]bool) Cell {
	have, ok := feature.ParseRelease(k.Release)
	if !ok {
		return Cell{}
	}
	for _, n := range p.Needs {
		guarded := slices.ContainsFunc(n.Guards, func(g string) bool {
			_, tested := asked[g]
			return tested
		})
		if guarded || !have.Before(n.Since) {
			continue
		}
		c := Cell{
			TooOld, fmt.Sprintf("it needs %s, which is there since Linux %s", n.What, n.Since),
			"avoid it, or test for it with bpf_core_enum_value_exists and take another way",
		}
		if slices.Contains(backports, k.Distro) {
			c.Status = Uncertain
			c.Cause += "; " + k.Distro + " may have it in its older kernels"
		}
		return c
	}
	return Cell{}
}
