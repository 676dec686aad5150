package gadgetapi

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/rules-gadget/rules_gadget/internal/feature"
	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

// Kind is one way of attaching programs.
type Kind struct {
	// Name is what documents and messages call it.
	Name string
	// Sections are the names of sections, each also followed by a slash and the
	// target. One that ends in "*" also matches longer names: "socket1".
	Sections []string
	// Program is the type of the program.
	Program ebpf.ProgramType
	// Attach is one of the attach types of the kind, for the release that has it.
	Attach ebpf.AttachType
	// Falls means that the runner attaches the kind in another way on releases that
	// have the type of the program, but not the attach type.
	Falls bool
	// Target is the form of what follows the slash; "" for nothing.
	Target string
	// Sample is a target where a program of the kind can be tried: one that every
	// kernel with the kind has, or this program itself. It is "" for a kind whose
	// sections name no place.
	Sample string
	// Pass is what a program returns that lets everything be as it is.
	Pass int32
	// Macro is the macro by which an object says where the program belongs; ""
	// when the section says it.
	Macro string
	// Release is the first one that has the kind, where its types do not decide that.
	Release feature.Release
	// Needs lists what the machine must have in addition to the release.
	Needs []Need
	// How describes the way in which the runner attaches it. It is empty for a kind that this
	// runner does not attach; Hint then says what else to use.
	How  string
	Hint string
}

// InKernel reports whether sections of the kind name a single place of the kernel,
// so that a program can be tried there.
func (k *Kind) InKernel() bool { return k.Sample != "" && k.Sample[0] != '/' && !k.IsIterator() }

// KernelTypes reports whether the kernel looks up what programs of the kind are attached to
// among its own types, so that they load only where it has BTF of its own.
func (k *Kind) KernelTypes() bool { return slices.Contains(k.Needs, NeedBTF) }

// Attachable reports whether the runner attaches programs of this kind.
func (k *Kind) Attachable() bool { return k.How != "" }

// Since returns the first kernel that has the kind.
func (k *Kind) Since() feature.Release {
	since, _ := feature.Program(k.Program)
	if attach, ok := feature.Attach(k.Attach); ok && !k.Falls && since.Before(attach) {
		since = attach
	}
	if since.Before(k.Release) {
		since = k.Release
	}
	return since
}

// ErrSection means that no attach kind has a section.
var ErrSection = errors.New("no attach kind")

// sleepable ends the first part of sections whose programs may sleep.
const sleepable = ".s"

// KindOf returns the kind of programs in a section, or an error that wraps
// ErrSection and names the nearest section that there is.
func KindOf(section string) (*Kind, error) {
	name := strings.TrimPrefix(section, "?")
	first, rest, _ := strings.Cut(name, "/")
	if base, ok := strings.CutSuffix(first, sleepable); ok {
		name = strings.TrimSuffix(base+"/"+rest, "/")
	}
	best, length := -1, 0
	for i := range kinds {
		for _, s := range kinds[i].Sections {
			if n := matchLength(name, s); n > length {
				best, length = i, n
			}
		}
	}
	if best >= 0 {
		return &kinds[best], nil
	}
	return nil, fmt.Errorf("section %q belongs to %w, %s", section, ErrSection, nearest.Advice(first, sectionNames()))
}

// matchLength returns how much of name the pattern of a section covers, 0 when
// it does not match.
func matchLength(name, pattern string) int {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok && strings.HasPrefix(name, prefix) {
		return len(prefix)
	}
	if rest, ok := strings.CutPrefix(name, pattern); ok && (rest == "" || rest[0] == '/') {
		return len(pattern)
	}
	return 0
}

// sectionNames are the first parts of all sections, for advice.
func sectionNames() []string {
	var out []string
	for i := range kinds {
		for _, s := range kinds[i].Sections {
			first, _, _ := strings.Cut(strings.TrimSuffix(s, "*"), "/")
			out = append(out, first)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Kinds returns the table of attach kinds.
func Kinds() []Kind { return slices.Clone(kinds) }

// IsIterator reports whether a program is an iterator.
func (k *Kind) IsIterator() bool { return k.Attach == ebpf.AttachTraceIter }
