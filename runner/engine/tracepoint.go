package engine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// openTracepoints opens the events of all tracepoints in prs: to find one takes files of
// tracefs, and a program that is attached before may show who opens files.
func (l *Loaded) openTracepoints(prs []gadgetapi.Program) {
	l.tracepoints = map[string]opened{}
	for _, pr := range prs {
		if pr.Kind.Name == gadgetapi.KindTracepoint {
			fd, err := openTracepoint(pr.AttachTo)
			l.tracepoints[pr.Name] = opened{fd, err}
		}
	}
}

// opened is the event of a tracepoint, or why it is not open.
type opened struct {
	fd  descriptor
	err error
}

// attachTracepoint runs prog on the event that openTracepoints opened.
func attachTracepoint(l *Loaded, pr gadgetapi.Program, prog *ebpf.Program) (io.Closer, error) {
	event, ok := l.tracepoints[pr.Name]
	if !ok { // alone, for a trial
		event.fd, event.err = openTracepoint(pr.AttachTo)
	}
	delete(l.tracepoints, pr.Name)
	if event.err != nil {
		return nil, event.err
	}
	err := errors.Join(
		unix.IoctlSetInt(int(event.fd), unix.PERF_EVENT_IOC_SET_BPF, prog.FD()),
		unix.IoctlSetInt(int(event.fd), unix.PERF_EVENT_IOC_ENABLE, 0),
	)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the tracepoint: %w", err), event.fd.Close())
	}
	return event.fd, nil
}

// closeTracepoints closes the events that no program was attached to.
func (l *Loaded) closeTracepoints() {
	for _, event := range l.tracepoints {
		if event.err == nil {
			event.fd.Close()
		}
	}
	l.tracepoints = nil
}

// openTracepoint opens the event of a tracepoint, GROUP/NAME or GROUP:NAME.
func openTracepoint(target string) (descriptor, error) {
	group, name, ok := strings.Cut(target, "/")
	if !ok {
		group, name, ok = strings.Cut(target, ":")
	}
	if !ok || strings.ContainsAny(group+name, "/.") {
		return 0, fmt.Errorf("attach target %q, want group/name", target)
	}
	id, err := tracepointID(group, name)
	if err != nil {
		return 0, err
	}
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_TRACEPOINT, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Config: id,
		Sample_type: unix.PERF_SAMPLE_RAW, Sample: 1, Wakeup: 1,
	}
	fd, err := unix.PerfEventOpen(&attr, -1, 0, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return 0, fmt.Errorf("opening the tracepoint: %w", err)
	}
	return descriptor(fd), nil
}

// tracepointID returns the number of a tracepoint in the tracefs that the calling thread
// sees. An error about permissions is preferred to one about a file that does not exist.
func tracepointID(group, name string) (uint64, error) {
	var failed error
	for _, p := range tracefsPaths {
		text, err := os.ReadFile(p + "/events/" + group + "/" + name + "/id")
		if err == nil {
			return strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
		}
		if failed == nil || errors.Is(failed, fs.ErrNotExist) {
			failed = err
		}
	}
	return 0, fmt.Errorf("reading the number of the tracepoint: %w", failed)
}
