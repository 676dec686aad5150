package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// checkKinds returns an error for a program in spec of a kind that this machine
// certainly cannot attach, so that it is known before anything is loaded. What only
// trying shows is left to loading and attaching.
func (l *Loaded) checkKinds(spec *ebpf.CollectionSpec) error {
	for _, pr := range l.plan.Programs {
		if pr.Kind == nil || spec.Programs[pr.Name] == nil {
			continue
		}
		if err := l.impossible(pr); err != nil {
			return fmt.Errorf("program %q in section %q cannot be attached: %w", pr.Name, pr.Section, err)
		}
	}
	return nil
}

// impossible returns why no program of the kind of pr can be attached, or nil.
func (l *Loaded) impossible(pr gadgetapi.Program) error {
	needs := func(n gadgetapi.Need) bool { return slices.Contains(pr.Kind.Needs, n) }
	switch {
	case needs(gadgetapi.NeedKprobes) && withoutKprobes():
		return fmt.Errorf("%w%s", errNoKprobes, kindOptions(pr))
	case needs(gadgetapi.NeedLSM):
		return lsmActive(securityModules)
	case needs(gadgetapi.NeedCgroup):
		_, err := l.where.cgroup()
		return err
	}
	return nil
}

// withoutKprobes reports whether the kernel has kprobes in neither of the two ways. It is
// false where this process may not look.
func withoutKprobes() bool {
	if present(kprobeEvents) == "yes" {
		return false
	}
	none := errors.New("no kprobes")
	return errors.Is(withTracefs(func() error {
		if tracefsReadable() && !tracefsHas("kprobe_events") {
			return none
		}
		return nil
	}), none)
}
