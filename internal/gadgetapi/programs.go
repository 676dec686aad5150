package gadgetapi

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
)

// DisabledTarget is the attach target of a program that must not be loaded.
const DisabledTarget = "gadget_program_disabled"

// FallbackSuffix ends the name of a program that takes the place of another one
// where the kernel lacks that one's kind: on_open__fallback, a kprobe, for
// on_open, a fentry program.
const FallbackSuffix = "__fallback"

// Program is one program of an object with its effective attach target.
type Program struct {
	Name     string
	Section  string
	Type     ebpf.ProgramType
	AttachTo string
	Disabled bool
	// Kind is how it is attached, nil for a section of no kind.
	Kind *Kind
	// Map is the map that the object names for it, "" for none.
	Map string
	// Fallback is the program that takes its place, "" for none; FallbackOf is the
	// program whose place it takes.
	Fallback, FallbackOf string
	Options              ProgramOptions
}

func (s *Spec) programs(md Metadata) {
	for _, name := range s.ProgramNames() {
		spec := s.Collection.Programs[name]
		pr := Program{Name: name, Section: spec.SectionName, Type: spec.Type, AttachTo: spec.AttachTo}
		pr.Options = optionsOf(md.Programs, pr)
		if pr.Options.AttachTo != "" {
			pr.AttachTo = pr.Options.AttachTo
		}
		pr.Disabled = pr.AttachTo == DisabledTarget
		kind, err := KindOf(pr.Section)
		if err != nil {
			s.fail("program %q: %v", name, err)
		}
		pr.Kind = kind
		if base, ok := strings.CutSuffix(name, FallbackSuffix); ok && s.Collection.Programs[base] != nil {
			pr.FallbackOf = base
		}
		if s.Collection.Programs[name+FallbackSuffix] != nil {
			pr.Fallback = name + FallbackSuffix
		}
		s.Programs = append(s.Programs, pr)
	}
}

// optionsOf returns what gadget.yaml specifies for a program.
func optionsOf(all map[string]ProgramOptions, pr Program) ProgramOptions {
	if o, ok := all[pr.Name]; ok {
		return o
	}
	_, rest, _ := strings.Cut(pr.Section, "/")
	return all[rest]
}

// Program returns the program called name, or nil.
func (s *Spec) Program(name string) *Program {
	for i := range s.Programs {
		if s.Programs[i].Name == name {
			return &s.Programs[i]
		}
	}
	return nil
}

// Requires returns what the enabled programs and the maps need of a kernel, one
// line each, sorted: "BPF iterators: Linux 5.8, kernel BTF".
func (s *Spec) Requires() []string {
	set := map[string]bool{}
	for _, pr := range s.Programs {
		if pr.Kind != nil && !pr.Disabled {
			set[pr.Kind.requirement()] = true
		}
	}
	for name, m := range s.Collection.Maps {
		if !isSection(name) {
			set[mapRequirement(m.Type)] = true
		}
	}
	delete(set, "")
	return slices.Sorted(maps.Keys(set))
}

// requirement describes what the kind needs, "" for what every supported kernel has.
func (k *Kind) requirement() string {
	parts := []string{}
	if since := k.Since(); oldest.Before(since) {
		parts = append(parts, "Linux "+since.String())
	}
	for _, n := range k.Needs {
		if n != NeedTracefs {
			parts = append(parts, string(n))
		}
	}
	for _, c := range k.Capabilities() {
		if c != CapBPF && c != CapPerfmon {
			parts = append(parts, c)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("%s programs: %s", k.Name, strings.Join(parts, ", "))
}
