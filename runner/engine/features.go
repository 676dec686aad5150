package engine

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
)

// Feature is something that a kernel may support. Hint says what helps where it
// does not.
type Feature struct {
	Name, State, Hint string
}

// Missing reports whether the kernel lacks the feature.
func (f Feature) Missing() bool { return strings.HasPrefix(f.State, "no") }

// Features returns what this kernel supports of what gadgets need. A process
// that may not try says "unknown".
func Features() []Feature {
	return []Feature{
		{"kernel BTF", present("/sys/kernel/btf/vmlinux"), "run gadgets that carry BTF for this kernel, or give it with --btf FILE"},
		moduleBTF(SysBTF),
		{"ring buffer", state(features.HaveMapType(ebpf.RingBuf)), "nothing to do: perf buffers are used instead"},
		{"tracepoints", state(features.HaveProgramType(ebpf.TracePoint)), "a kernel of 4.7 or newer with CONFIG_BPF_EVENTS"},
		{"raw tracepoints", state(features.HaveProgramType(ebpf.RawTracepoint)), "a kernel of 4.17 or newer"},
		{"fentry, fexit", fentryState(), "a kernel of 5.5 or newer with its own BTF, and no policy against them"},
		{"kprobes", present("/sys/bus/event_source/devices/kprobe"), "a kernel with CONFIG_KPROBES"},
		{"uprobes", present("/sys/bus/event_source/devices/uprobe"), "a kernel with CONFIG_UPROBES"},
		{"boot clock", state(features.HaveProgramHelper(ebpf.TracePoint, asm.FnKtimeGetBootNs)), "a kernel of 5.8 or newer"},
		{"tracefs", tracefsState(), "nothing to do with CAP_SYS_ADMIN: it is mounted for the run alone"},
		{"bpffs", bpffsState(), "mount -t bpf bpf /sys/fs/bpf, where gadgets are to share maps"},
	}
}

// moduleBTF tells of modules whose types, in dir, are broken.
func moduleBTF(dir string) Feature {
	f := Feature{Name: "module BTF", State: "yes"}
	broken, err := BrokenModules(dir)
	switch {
	case err != nil:
		f.State = "unknown, the kernel's own cannot be read"
	case len(broken) > 0:
		f.State = fmt.Sprintf("no, %d broken", len(broken))
		var names []string
		for _, b := range broken {
			names = append(names, fmt.Sprintf("%s (%v)", b.Name, b.Err))
		}
		f.Hint = "only gadgets that need the types of these modules are affected, which were built for another kernel or damaged: " + strings.Join(names, ", ")
	}
	return f
}

// fentryState tells a kernel that forbids fentry programs from a process that
// may not try.
func fentryState() string {
	err := features.HaveProgramType(ebpf.Tracing)
	if err != nil && checkPrivilege() == nil {
		return "no"
	}
	return state(err)
}

func tracefsState() string {
	if tracefsMounted() {
		return "yes"
	}
	return "not mounted"
}

func bpffsState() string {
	if noBpffs(DefaultPinPath) != nil {
		return "not mounted"
	}
	return "yes"
}

// Privilege returns nil when the process may load tracing programs, else
// ErrPrivilege.
func Privilege() error { return checkPrivilege() }

func state(err error) string {
	switch {
	case err == nil:
		return "yes"
	case errors.Is(err, ebpf.ErrNotSupported):
		return "no"
	}
	return "unknown, needs CAP_BPF and CAP_PERFMON"
}

func present(path string) string {
	if _, err := os.Stat(path); err != nil {
		return "no"
	}
	return "yes"
}
