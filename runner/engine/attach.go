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
	return len(l.links) + l.kept, len(l.skipped)
}

func (l *Loaded) attachAll() error {
	var probes, rest []gadgetapi.Program
	for _, pr := range l.plan.Programs {
		if l.coll.Programs[pr.Name] == nil || !attachable(pr) {
			continue // disabled, or replaced
		}
		if usesTracefs(pr) {
			probes = append(probes, pr)
		} else {
			rest = append(rest, pr)
		}
	}
	if len(probes) > 0 {
		err := withTracefs(func() error {
			defer l.closeTracepoints()
			l.openTracepoints(probes)
			return l.attachEach(probes)
		})
		if err != nil {
			return err
		}
	}
	return l.attachEach(rest)
}

// attachable reports whether pr is attached at the start: iterators run when
// they are read.
func attachable(pr gadgetapi.Program) bool { return !pr.Kind.IsIterator() }

// usesTracefs reports whether attaching pr takes tracefs: probes do where the kernel
// has no events for them.
func usesTracefs(pr gadgetapi.Program) bool {
	switch {
	case pr.Type != ebpf.Kprobe:
		return pr.Type == ebpf.TracePoint
	case userKind(pr) != "":
		return present(uprobeEvents) == "no"
	}
	return present(kprobeEvents) == "no"
}

// Where the kernel shows that it has events for probes.
const (
	kprobeEvents = "/sys/bus/event_source/devices/kprobe"
	uprobeEvents = "/sys/bus/event_source/devices/uprobe"
)

func (l *Loaded) attachEach(prs []gadgetapi.Program) error {
	for _, pr := range prs {
		ln, err := l.attach(pr)
		switch {
		case err == nil && ln != nil:
			l.links = append(l.links, ln)
		case err == nil: // kept by l.probes or l.networks
		case optional(pr, err):
			l.skip(pr, err)
		default:
			return l.explainAttach(pr, err)
		}
	}
	return nil
}

// optional reports whether pr may be skipped because of err: its system call or
// symbol is not on this machine.
func optional(pr gadgetapi.Program, err error) bool {
	if userKind(pr) != "" {
		return missingHere(err)
	}
	return errors.Is(err, os.ErrNotExist) && pr.Type == ebpf.TracePoint && strings.HasPrefix(pr.AttachTo, syscallGroup+"/")
}

// attachers attach programs, by the name of their attach kind.
var attachers = map[string]func(l *Loaded, pr gadgetapi.Program, prog *ebpf.Program) (io.Closer, error){
	gadgetapi.KindTracepoint:    attachTracepoint,
	gadgetapi.KindRawTracepoint: attachRawTracepoint,
	gadgetapi.KindRawWritable:   attachRawTracepoint,
	gadgetapi.KindTpBTF:         attachTracing,
	gadgetapi.KindFentry:        attachTracing,
	gadgetapi.KindFmodRet:       attachTracing,
	gadgetapi.KindKprobe:        attachKprobe,
	gadgetapi.KindKprobeMulti:   attachKprobeMulti,
	gadgetapi.KindKprobeSession: attachKprobeMulti,
	gadgetapi.KindUprobe:        (*Loaded).attachUser,
	gadgetapi.KindUprobeMulti:   (*Loaded).attachUser,
	gadgetapi.KindUSDT:          (*Loaded).attachUser,
	gadgetapi.KindLSM:           attachLSM,
	gadgetapi.KindPerfEvent:     attachPerfEvent,
	gadgetapi.KindSocket:        attachSocket,
	gadgetapi.KindTC:            attachTC,
	gadgetapi.KindXDP:           attachXDP,
	gadgetapi.KindCgroupSKB:     attachCgroup,
	gadgetapi.KindCgroupAddr:    attachCgroup,
	gadgetapi.KindCgroupSock:    attachCgroup,
	gadgetapi.KindCgroupSockopt: attachCgroup,
	gadgetapi.KindCgroupSysctl:  attachCgroup,
	gadgetapi.KindCgroupDevice:  attachCgroup,
	gadgetapi.KindSockOps:       attachCgroup,
	gadgetapi.KindSKSKB:         attachSockMap,
	gadgetapi.KindSKMsg:         attachSockMap,
}

// attach attaches one program.
func (l *Loaded) attach(pr gadgetapi.Program) (io.Closer, error) {
	attacher := attachers[pr.Kind.Name]
	if attacher == nil {
		return nil, fmt.Errorf("section %q: programs of the kind %q cannot be attached by this runner", pr.Section,
			pr.Kind.Name)
	}
	return attacher(l, pr, l.coll.Programs[pr.Name])
}

func attachRawTracepoint(_ *Loaded, pr gadgetapi.Program, prog *ebpf.Program) (io.Closer, error) {
	return link.AttachRawTracepoint(link.RawTracepointOptions{Name: pr.AttachTo, Program: prog})
}

func attachTracing(_ *Loaded, _ gadgetapi.Program, prog *ebpf.Program) (io.Closer, error) {
	return link.AttachTracing(link.TracingOptions{Program: prog})
}

func attachLSM(_ *Loaded, _ gadgetapi.Program, prog *ebpf.Program) (io.Closer, error) {
	if err := lsmActive(securityModules); err != nil {
		return nil, err
	}
	return link.AttachLSM(link.LSMOptions{Program: prog})
}

// lsmActive returns an error where the kernel would attach an LSM program and never
// call it. path is the list of active modules, which not every machine shows.
func lsmActive(path string) error {
	if lsmState(path) == "no" {
		return errors.New(`the security module "bpf" is not active, the kernel would never call the program: ` +
			"add bpf to the modules of the boot parameter lsm=")
	}
	return nil
}

// kindOfSection returns the first part of a section, without the mark of programs
// that may sleep.
func kindOfSection(section string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(section, "?"), "/")
	return strings.TrimSuffix(first, ".s")
}

// errNoKprobes means that the kernel was built without kprobes.
var errNoKprobes = errors.New("this kernel has no kprobes")

func attachKprobe(_ *Loaded, pr gadgetapi.Program, prog *ebpf.Program) (io.Closer, error) {
	fn := link.Kprobe
	if kindOfSection(pr.Section) == "kretprobe" {
		fn = link.Kretprobe
	}
	ln, err := fn(pr.AttachTo, prog, nil)
	if err != nil {
		return nil, explainKprobe(err)
	}
	return ln, nil
}

// explainKprobe returns err, or that the kernel has no kprobes at all.
func explainKprobe(err error) error {
	if present(kprobeEvents) == "no" && !tracefsHas("kprobe_events") {
		return errNoKprobes
	}
	return err
}
