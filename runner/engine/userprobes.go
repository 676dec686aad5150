package engine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/userprobe"
)

// userKind returns the kind of section of a program that probes user programs:
// uprobe, uretprobe or usdt; "" for other programs.
func userKind(pr gadgetapi.Program) string {
	kind, _, _ := strings.Cut(strings.TrimPrefix(pr.Section, "?"), "/")
	switch kind = strings.TrimSuffix(kind, ".s"); kind {
	case "uprobe", "uretprobe", "usdt":
		return kind
	}
	return ""
}

// ProbesUserPrograms reports whether the gadget has programs that are attached to
// the files of programs and libraries, which containers have their own of.
func ProbesUserPrograms(plan *gadgetapi.Spec) bool {
	for _, pr := range plan.Programs {
		if !pr.Disabled && userKind(pr) != "" {
			return true
		}
	}
	return false
}

// attachUser attaches pr on this machine, unless only containers are wanted. The
// set of probes keeps the link.
func (l *Loaded) attachUser(pr gadgetapi.Program, prog *ebpf.Program) (io.Closer, error) {
	target, err := userprobe.Parse(userKind(pr), pr.AttachTo)
	if err != nil {
		return nil, err
	}
	root := userprobe.Host
	if l.roots == RootsOfContainers {
		root = ""
	}
	if err := l.probes.Add(userprobe.Probe{Program: prog, Target: target}, root); err != nil {
		return nil, err
	}
	l.probed++
	return nil, nil
}

// EnterRoot attaches the programs that probe user programs in another root
// directory, that of a container. It returns how many found their place there.
func (l *Loaded) EnterRoot(dir string) (int, error) { return l.probes.Enter(dir) }

// LeaveRoot takes EnterRoot back.
func (l *Loaded) LeaveRoot(dir string) error { return l.probes.Leave(dir) }

// Roots are the root directories in which user programs are probed.
type Roots int

// The choices of Roots.
const (
	RootOfHost        Roots = iota
	RootsOfAll              // that of the host, and those that EnterRoot names
	RootsOfContainers       // those that EnterRoot names
)

// missingHere reports whether err means that a machine or container does not have
// what a user program's probe is for.
func missingHere(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, link.ErrNoSymbol)
}

// skip notes that pr is not attached because of err.
func (l *Loaded) skip(pr gadgetapi.Program, err error) {
	l.skipped = append(l.skipped, explainAttach(pr, err))
	rest := ""
	if userKind(pr) != "" && l.roots == RootsOfAll {
		rest = ", only containers may have it"
	}
	l.note("skipping program %q, %s has no %q%s", pr.Name, lacking(pr), pr.AttachTo, rest)
}

// nothingAttached returns why nothing is attached, nil when something is or may
// be later.
func (l *Loaded) nothingAttached() error {
	if len(l.links)+l.probed > 0 || len(l.skipped) == 0 || l.roots != RootOfHost && ProbesUserPrograms(l.plan) {
		return nil
	}
	return fmt.Errorf("nothing of what the gadget traces is here: %w", l.skipped[0])
}
