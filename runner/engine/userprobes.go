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
// uprobe, uretprobe, the same with ".multi", or usdt; "" for other programs.
func userKind(pr gadgetapi.Program) string {
	kind, _, _ := strings.Cut(strings.TrimPrefix(pr.Section, "?"), "/")
	switch kind = strings.TrimSuffix(kind, ".s"); kind {
	case "uprobe", "uretprobe", "uprobe.multi", "uretprobe.multi", "usdt":
		return kind
	}
	return ""
}

// attachUser attaches pr on this machine, unless only containers are selected. The
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
	if err := l.probes.Add(userprobe.Probe{Program: prog, Target: target, Single: l.single[pr.Name]}, root); err != nil {
		return nil, err
	}
	l.kept++
	return nil, nil
}

// Roots are where programs are attached that belong to the root directory or the
// network namespace of some processes.
type Roots int

// The choices of Roots.
const (
	RootOfHost        Roots = iota
	RootsOfAll              // that of the host, and those of containers that are entered
	RootsOfContainers       // those of containers that are entered
)

// missingHere reports whether err means that a machine or container does not have
// what a user program's probe is for.
func missingHere(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, link.ErrNoSymbol)
}

// skip notes that pr is not attached because of err.
func (l *Loaded) skip(pr gadgetapi.Program, err error) {
	l.skipped = append(l.skipped, l.explainAttach(pr, err))
	rest := ""
	if userKind(pr) != "" && l.roots == RootsOfAll {
		rest = ", only containers may have it"
	}
	l.note("skipping program %q, %s has no %q%s", pr.Name, lacking(pr), pr.AttachTo, rest)
}

// nothingAttached returns why nothing is attached, nil when something is or may
// be later.
func (l *Loaded) nothingAttached() error {
	if len(l.links)+l.kept > 0 || len(l.skipped) == 0 || l.roots != RootOfHost && EntersContainers(l.plan, l.where) {
		return nil
	}
	return fmt.Errorf("nothing that the gadget traces exists here: %w", l.skipped[0])
}
