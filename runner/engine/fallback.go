package engine

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// errNotHere is of kinds that name no single place of the kernel.
var errNotHere = errors.New("programs of this kind have no fallback")

// chooseFallbacks leaves one of each two programs in spec of which one is named as
// the other's fallback: the first where a harmless program of its kind can be
// attached in its place, else the fallback. To detach a program from a function
// takes the kernel up to a sixth of a second: where the place is looked up when a program is
// loaded, one that is attached represents all of its kind. cache has the kernel's own
// types, or reads them once for all.
func (l *Loaded) chooseFallbacks(spec *ebpf.CollectionSpec, cache *btf.Cache) error {
	attached := map[string]bool{} // by the name of the kind
	for _, pr := range l.plan.Programs {
		if pr.Fallback == "" {
			continue
		}
		if spec.Programs[pr.Name] == nil { // disabled
			delete(spec.Programs, pr.Fallback)
			continue
		}
		if spec.Programs[pr.Fallback] == nil {
			continue
		}
		err := l.try(pr, spec.Programs[pr.Name], cache, attached)
		switch {
		case err == nil:
			attached[pr.Kind.Name] = true
			delete(spec.Programs, pr.Fallback)
		case errors.Is(err, errNotHere):
			return fmt.Errorf("program %q: %w, rename %q", pr.Name, err, pr.Fallback)
		default:
			l.detail("program %q takes the place of %q, which this kernel cannot attach: %v", pr.Fallback, pr.Name, err)
			delete(spec.Programs, pr.Name)
		}
	}
	return nil
}

// looksUpPlace reports whether the kernel looks up where a program is attached when
// it is loaded.
func looksUpPlace(typ ebpf.ProgramType) bool { return typ == ebpf.Tracing || typ == ebpf.LSM }

// try attaches a program that does nothing where pr would be attached. Of a kind that
// could be attached elsewhere it is only loaded, where that proves enough.
func (l *Loaded) try(
	pr gadgetapi.Program, spec *ebpf.ProgramSpec, cache *btf.Cache, attached map[string]bool,
) error {
	if pr.Kind == nil || !pr.Kind.InKernel() {
		return errNotHere
	}
	harmless := spec.Copy()
	harmless.Name, harmless.Instructions = "harmless", harmlessBody(pr.Kind.Pass)
	coll, err := ebpf.NewCollectionWithOptions(&ebpf.CollectionSpec{
		Programs: map[string]*ebpf.ProgramSpec{pr.Name: harmless},
	}, ebpf.CollectionOptions{Cache: cache})
	if err != nil {
		return err
	}
	defer coll.Close()
	if attached[pr.Kind.Name] && looksUpPlace(spec.Type) {
		return nil
	}
	attach := func() error {
		ln, err := attachers[pr.Kind.Name](l, pr, coll.Programs[pr.Name])
		if err != nil {
			return err
		}
		return ln.Close()
	}
	if usesTracefs(pr) {
		return withTracefs(attach)
	}
	return attach()
}

// harmlessBody is that of a program that lets everything be as it is.
func harmlessBody(pass int32) asm.Instructions {
	return asm.Instructions{asm.Mov.Imm(asm.R0, pass), asm.Return()}
}
