package engine

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// syscallGroup is the group of the tracepoints that a kernel has for each of
// its system calls. System calls differ between architectures and versions,
// so a gadget may name one that this kernel lacks.
const syscallGroup = "syscalls"

// Attach attaches every enabled program. System calls and symbols of libraries
// differ between machines: a program on one that is missing here is skipped
// with a note, as long as another program is attached. Any other attach point
// that is missing is an error, and nothing stays attached.
func (l *Loaded) Attach() error {
	err := l.attachAll()
	if err == nil {
		err = l.nothingAttached()
	}
	if err != nil {
		return errors.Join(err, l.Detach())
	}
	return nil
}

// Attached returns how many programs Attach attached, and how many it skipped.
func (l *Loaded) Attached() (attached, skipped int) {
	return len(l.links) + l.probed, len(l.skipped)
}

func (l *Loaded) attachAll() error {
	var probes, rest []Program
	for _, pr := range l.plan.Programs {
		if pr.Disabled || !attachable(pr) {
			continue
		}
		if usesTracefs(pr) {
			probes = append(probes, pr)
		} else {
			rest = append(rest, pr)
		}
	}
	if len(probes) > 0 {
		if err := withTracefs(func() error { return l.attachEach(probes) }); err != nil {
			return err
		}
	}
	return l.attachEach(rest)
}

// attachable reports whether pr is attached at the start: iterators run when
// they are read.
func attachable(pr Program) bool { return !isIter(pr.Section) }

func usesTracefs(pr Program) bool { return pr.Type == ebpf.TracePoint || pr.Type == ebpf.Kprobe }

func (l *Loaded) attachEach(prs []Program) error {
	for _, pr := range prs {
		ln, err := l.attach(pr)
		switch {
		case err == nil && ln != nil:
			l.links = append(l.links, ln)
		case err == nil: // kept by l.probes
		case optional(pr, err):
			l.skip(pr, err)
		default:
			return explainAttach(pr, err)
		}
	}
	return nil
}

// optional reports whether pr may be skipped because of err: its system call or
// symbol is not on this machine.
func optional(pr Program, err error) bool {
	if userKind(pr) != "" {
		return missingHere(err)
	}
	return errors.Is(err, os.ErrNotExist) && pr.Type == ebpf.TracePoint && strings.HasPrefix(pr.AttachTo, syscallGroup+"/")
}

// attach attaches one program by its type, and by its section where the type
// does not tell. Programs that probe user programs have no link of their own.
func (l *Loaded) attach(pr Program) (link.Link, error) {
	prog := l.coll.Programs[pr.Name]
	if user := userKind(pr); user != "" {
		return nil, l.attachUser(user, pr, prog)
	}
	kind, _, _ := strings.Cut(pr.Section, "/")
	switch pr.Type {
	case ebpf.TracePoint:
		group, name, ok := strings.Cut(pr.AttachTo, "/")
		if !ok {
			return nil, fmt.Errorf("attach target %q, want group/name", pr.AttachTo)
		}
		return link.Tracepoint(group, name, prog, nil)
	case ebpf.RawTracepoint:
		return link.AttachRawTracepoint(link.RawTracepointOptions{Name: pr.AttachTo, Program: prog})
	case ebpf.Kprobe:
		return attachProbe(kind, pr, prog)
	case ebpf.Tracing:
		return attachTracing(kind, pr, prog)
	case ebpf.LSM:
		return link.AttachLSM(link.LSMOptions{Program: prog})
	}
	return nil, fmt.Errorf("section %q: programs of type %s cannot be attached by this runner", pr.Section, pr.Type)
}

func attachTracing(kind string, pr Program, prog *ebpf.Program) (link.Link, error) {
	switch strings.TrimSuffix(kind, ".s") {
	case "fentry", "fexit", "fmod_ret", "tp_btf":
		return link.AttachTracing(link.TracingOptions{Program: prog})
	}
	return nil, fmt.Errorf("section %q cannot be attached by this runner", pr.Section)
}

func attachProbe(kind string, pr Program, prog *ebpf.Program) (link.Link, error) {
	switch strings.TrimSuffix(kind, ".s") {
	case "kprobe", "kretprobe":
		return attachKprobe(kind, pr.AttachTo, prog)
	}
	return nil, fmt.Errorf("section %q cannot be attached by this runner", pr.Section)
}

// errNoKprobes says that the kernel was built without kprobes.
var errNoKprobes = errors.New("this kernel has no kprobes")

func attachKprobe(kind, symbol string, prog *ebpf.Program) (link.Link, error) {
	fn := link.Kprobe
	if strings.HasPrefix(kind, "kretprobe") {
		fn = link.Kretprobe
	}
	ln, err := fn(symbol, prog, nil)
	if err != nil && present("/sys/bus/event_source/devices/kprobe") == "no" && !tracefsHas("kprobe_events") {
		return nil, errNoKprobes
	}
	return ln, err
}
