package engine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/network"
	"github.com/rules-gadget/rules_gadget/runner/userprobe"
)

// Trial is what came of attaching a program that does nothing.
type Trial struct {
	Kind gadgetapi.Kind
	// Err is nil when the program was loaded and attached.
	Err error
	// Hint is the remedy, "" where it worked.
	Hint string
}

// TryKinds loads a program that does nothing of each kind that the runner attaches,
// attaches it and detaches it again.
func TryKinds() []Trial {
	var out []Trial
	for _, k := range gadgetapi.Kinds() {
		if !k.Attachable() {
			continue
		}
		t := Trial{Kind: k, Err: tryKind(k)}
		if t.Err != nil {
			t.Hint = trialHint(k, t.Err)
		}
		out = append(out, t)
	}
	return out
}

// tryKind attaches a harmless program of a kind where that is possible anywhere: at
// the sample of the kind, the loopback interface, or the root of cgroup v2.
func tryKind(k gadgetapi.Kind) error {
	if k.Name == gadgetapi.KindUSDT {
		return tryUSDT(k)
	}
	spec := harmlessSpec(k)
	pr := gadgetapi.Program{
		Name: spec.Name, Section: spec.SectionName, Type: k.Program, AttachTo: k.Sample, Kind: &k, Map: trialMap,
	}
	plan := gadgetapi.Empty()
	plan.Programs = []gadgetapi.Program{pr}
	plan.Collection.Programs[spec.Name] = spec
	l := &Loaded{
		plan: plan, note: orNothing(nil), detail: orNothing(nil), single: map[string]bool{},
		where: Places{Interfaces: []string{"lo"}}, queues: network.NewQueues([]string{"lo"}), networks: network.NewSet(),
		probes: userprobe.NewSet(nil),
	}
	defer l.Close()
	l.singleProbes(plan.Collection)
	if k.Program == ebpf.SkSKB || k.Program == ebpf.SkMsg {
		plan.Collection.Maps[trialMap] = &ebpf.MapSpec{
			Name: trialMap, Type: ebpf.SockMap, KeySize: 4, ValueSize: 4, MaxEntries: 1,
		}
	}
	var err error
	if l.coll, err = ebpf.NewCollection(plan.Collection); err != nil {
		return err
	}
	attach := func() error { return l.attachTrial(pr) }
	if usesTracefs(pr) {
		return withTracefs(attach)
	}
	return attach()
}

// tryUSDT tries a function of this program, since it has no static probe: both are attached
// in the same way, and static probes also have cookies.
func tryUSDT(k gadgetapi.Kind) error {
	if err := features.HaveProgramHelper(ebpf.Kprobe, asm.FnGetAttachCookie); errors.Is(err, ebpf.ErrNotSupported) {
		return fmt.Errorf("static probes need Linux %s: %w", k.Since(), err)
	}
	function, err := gadgetapi.KindOf("uprobe")
	if err != nil {
		return err
	}
	return tryKind(*function)
}

// trialMap is the map of sockets of a trial.
const trialMap = "trial"

func (l *Loaded) attachTrial(pr gadgetapi.Program) error {
	prog := l.coll.Programs[pr.Name]
	var closer io.Closer
	var err error
	if pr.Kind.IsIterator() {
		closer, err = link.AttachIter(link.IterOptions{Program: prog})
	} else {
		closer, err = attachers[pr.Kind.Name](l, pr, prog)
	}
	switch {
	case errors.Is(err, unix.EBUSY):
		return nil // another process uses it, so that it works
	case err != nil || closer == nil:
		return err
	}
	return closer.Close()
}

// harmlessSpec is a program of a kind that lets everything be as it is.
func harmlessSpec(k gadgetapi.Kind) *ebpf.ProgramSpec {
	section := strings.TrimSuffix(k.Sections[0], "*")
	if k.Sample != "" {
		section += "/" + k.Sample
	}
	spec := &ebpf.ProgramSpec{
		Name: "harmless", Type: k.Program, AttachType: k.Attach, AttachTo: k.Sample, SectionName: section, License: "GPL",
		Instructions: harmlessBody(k.Pass),
	}
	if k.Program == ebpf.Kprobe {
		spec.AttachTo = "" // where it goes is not part of the program
	}
	return spec
}

// trialHint returns the remedy for err, the result of trying a kind.
func trialHint(k gadgetapi.Kind, err error) string {
	if inUserNamespace() {
		return errUserNamespace.Error()
	}
	if missing := missingCapabilities(k.Capabilities()); len(missing) > 0 {
		return "run it as root, or with " + strings.Join(missing, ", ")
	}
	if hint := rightHint(k, err); hint != "" {
		return hint
	}
	for _, n := range gadgetapi.Needs() {
		for _, need := range k.Needs {
			if need == n.Need && needState(need) == "no" {
				return n.Hint
			}
		}
	}
	if errors.Is(err, ebpf.ErrNotSupported) {
		return fmt.Sprintf("a kernel of %s or newer that was built with it: %v", k.Since(), err)
	}
	return err.Error()
}

// rightHint names the privilege that is missing according to err, the result of attaching
// a program of a kind, "" where no single one is known.
func rightHint(k gadgetapi.Kind, err error) string {
	if !errors.Is(err, unix.EACCES) {
		return ""
	}
	var file *os.PathError
	if slices.Contains(k.Needs, gadgetapi.NeedTracefs) && errors.As(err, &file) {
		return "run it as root, or with CAP_DAC_READ_SEARCH: tracefs belongs to root alone"
	}
	if slices.Contains(k.Needs, gadgetapi.NeedUprobes) {
		return "run it as root, or with CAP_SYS_ADMIN, which kernels since 6.16, and updates of older ones since July " +
			"2025, want for probes in programs and libraries"
	}
	if n := perfParanoid(); n > paranoidForAll {
		return fmt.Sprintf("run it as root, or with CAP_SYS_ADMIN, which this kernel wants while "+
			"kernel.perf_event_paranoid is %d, above %d", n, paranoidForAll)
	}
	return ""
}

// paranoidForAll is the largest value of kernel.perf_event_paranoid that upstream
// kernels know. Debian's and Android's refuse events to all but CAP_SYS_ADMIN above.
const paranoidForAll = 2

// perfParanoid returns kernel.perf_event_paranoid, 0 where that does not exist.
func perfParanoid() int {
	data, err := os.ReadFile("/proc/sys/kernel/perf_event_paranoid")
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return 0
	}
	return n
}
