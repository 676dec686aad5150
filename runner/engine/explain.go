package engine

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/feature"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
)

// VerifierError is the rejection of a program by the kernel's verifier. Its
// text is one line; Log has all of it.
type VerifierError struct {
	err     *ebpf.VerifierError
	program string // "" when the kernel rejected something else
}

// Error returns the last telling line of the verifier's log.
func (e *VerifierError) Error() string {
	what := "the gadget"
	if e.program != "" {
		what = fmt.Sprintf("program %q", e.program)
	}
	if line := sourceLine(e.err.Log); line != "" {
		what += " at " + line
	}
	return fmt.Sprintf("the kernel's verifier rejected %s: %s", what, lastLine(e.err))
}

// sourceLine returns the place in the source that the log names last, as "file:line".
// The kernel writes "; return *value; @ file.bpf.c:24" before the instructions of the line,
// where the object has line information.
func sourceLine(log []string) string {
	for _, line := range slices.Backward(log) {
		line = strings.TrimSpace(line)
		if at := strings.LastIndex(line, " @ "); at >= 0 && strings.HasPrefix(line, ";") {
			return line[at+len(" @ "):]
		}
	}
	return ""
}

// programOf returns the program that err, of loading a collection, names first.
func programOf(err error) string {
	rest, ok := strings.CutPrefix(err.Error(), "program ")
	name, _, found := strings.Cut(rest, ":")
	if !ok || !found {
		return ""
	}
	return name
}

// Unwrap returns the cause.
func (e *VerifierError) Unwrap() error { return e.err }

// Log returns the whole log of the verifier.
func (e *VerifierError) Log() string { return fmt.Sprintf("%+v", e.err) }

// lastLine returns the line of the log with the reason: the last one that is no
// statistics.
func lastLine(ve *ebpf.VerifierError) string {
	for i := len(ve.Log) - 1; i >= 0; i-- {
		line := strings.TrimSpace(ve.Log[i])
		if line != "" && !strings.HasPrefix(line, "processed ") && !strings.HasPrefix(line, "verification time") &&
			!strings.HasPrefix(line, "stack depth") {
			return line
		}
	}
	return ve.Cause.Error()
}

// explainLoad explains in one sentence why the kernel rejected the object.
func explainLoad(spec *ebpf.CollectionSpec, err error) error {
	var ve *ebpf.VerifierError
	since, young := youngProgram(spec, programOf(err))
	switch {
	case young && errors.Is(err, unix.EINVAL):
		return fmt.Errorf("loading the gadget: program %q needs Linux %s: %w", programOf(err), since, err)
	case errors.As(err, &ve) && len(ve.Log) > 0:
		return &VerifierError{err: ve, program: programOf(err)}
	case errors.Is(err, ebpf.ErrNotSupported) && strings.Contains(err.Error(), "BTF"):
		return fmt.Errorf("loading the gadget: %w, give the kernel's BTF with --btf FILE", err)
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("loading the gadget: this kernel lacks an attach point: %w", err)
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("loading the gadget: the kernel forbids a program of this type even to this process, see %s: %w",
			forbidding(), err)
	case errors.Is(err, unix.ENOMEM):
		return fmt.Errorf("loading the gadget: no memory for its maps, raise the limit of locked memory (ulimit -l): %w", err)
	}
	return fmt.Errorf("loading the gadget: %w", err)
}

// youngProgram returns since when kernels have the attach type of a program, and
// whether this one is older.
func youngProgram(spec *ebpf.CollectionSpec, name string) (feature.Release, bool) {
	if spec == nil || spec.Programs[name] == nil {
		return feature.Release{}, false
	}
	since, listed := feature.Attach(spec.Programs[name].AttachType)
	id, err := kernel.Uname()
	if !listed || err != nil {
		return since, false
	}
	release, ok := feature.ParseRelease(id.Release)
	return since, ok && release.Before(since)
}

// explainAttach explains in one sentence why pr could not be attached.
func (l *Loaded) explainAttach(pr gadgetapi.Program, err error) error {
	point := fmt.Sprintf("attaching program %q", pr.Name)
	if pr.AttachTo != "" {
		point += fmt.Sprintf(" to %q", pr.AttachTo)
	}
	since, young := youngProgram(l.plan.Collection, pr.Name)
	switch {
	case young && errors.Is(err, unix.EINVAL):
		return fmt.Errorf("%s: it needs Linux %s: %w", point, since, err)
	case errors.Is(err, errNoKprobes):
		return fmt.Errorf("%s: %w%s", point, err, kindOptions(pr))
	case errors.Is(err, link.ErrNotSupported), errors.Is(err, ebpf.ErrNotSupported):
		return fmt.Errorf("%s: this kernel does not support %s%s: %w", point, pr.Type, kindOptions(pr), err)
	case errors.Is(err, os.ErrNotExist), errors.Is(err, link.ErrNoSymbol):
		return fmt.Errorf("%s: %s lacks this attach point%s: %w", point, lacking(pr), tracepointOption(pr), err)
	case pr.Kind != nil && rightHint(*pr.Kind, err) != "":
		return fmt.Errorf("%s: %w, %s", point, err, rightHint(*pr.Kind, err))
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%s: the kernel forbids it even to this process, see %s: %w", point, forbidding(), err)
	}
	return fmt.Errorf("%s: %w", point, err)
}

// forbidding names what can forbid a call to a process that has the rights for it.
func forbidding() string {
	const always = "its security modules and configuration"
	// 2 is SECCOMP_MODE_FILTER.
	if mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0); err != nil || mode != 2 {
		return always
	}
	return always + ", or the seccomp profile of this container, which may want CAP_SYS_ADMIN for what CAP_BPF and " +
		"CAP_PERFMON suffice for"
}

func lacking(pr gadgetapi.Program) string {
	if strings.HasPrefix(pr.Section, "u") {
		return "this machine"
	}
	return "this kernel"
}
