package engine

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// Feature is something that a kernel may support. Hint is the remedy where it
// does not.
type Feature struct {
	Name, State, Hint string
}

// Missing reports whether the kernel lacks the feature.
func (f Feature) Missing() bool { return strings.HasPrefix(f.State, "no") }

// Features returns what this machine has of what gadgets need. A process that may
// not try says "unknown".
func Features() []Feature {
	var out []Feature
	for _, n := range gadgetapi.Needs() {
		out = append(out, Feature{string(n.Need), needState(n.Need), n.Hint})
	}
	return append(out,
		moduleBTF(SysBTF),
		Feature{"ring buffer", state(features.HaveMapType(ebpf.RingBuf)), "no action needed: perf buffers are used instead"},
		Feature{
			"boot clock", state(features.HaveProgramHelper(ebpf.TracePoint, asm.FnKtimeGetBootNs)), "a kernel of 5.8 or newer",
		},
		Feature{"bpffs", bpffsState(), "mount -t bpf bpf /sys/fs/bpf, where gadgets are to share maps"},
	)
}

// needState reports whether this machine has what attach kinds need.
func needState(n gadgetapi.Need) string {
	switch n {
	case gadgetapi.NeedBTF:
		return present("/sys/kernel/btf/vmlinux")
	case gadgetapi.NeedTracefs:
		return tracefsState()
	case gadgetapi.NeedKprobes:
		return present(kprobeEvents)
	case gadgetapi.NeedUprobes:
		return present(uprobeEvents)
	case gadgetapi.NeedTrampoline:
		return fentryState()
	case gadgetapi.NeedLSM:
		return lsmState(securityModules)
	case gadgetapi.NeedPerf:
		return present("/proc/sys/kernel/perf_event_paranoid")
	case gadgetapi.NeedCgroup:
		if _, err := (Places{}).cgroup(); err != nil {
			return "no"
		}
		return "yes"
	}
	return "unknown"
}

// securityModules is the list of the active ones, where securityfs is mounted.
const securityModules = "/sys/kernel/security/lsm"

// lsmState looks for eBPF in the list of security modules, which securityfs shows.
func lsmState(path string) string {
	data, err := os.ReadFile(path)
	switch {
	case err != nil:
		return "unknown, mount securityfs at /sys/kernel/security to see it"
	case slices.Contains(strings.Split(strings.TrimSpace(string(data)), ","), "bpf"):
		return "yes"
	}
	return "no"
}

// moduleBTF reports modules whose types, in dir, are broken.
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
		f.Hint = "only gadgets that need the types of these modules are affected, which were built for another kernel or " +
			"damaged: " + strings.Join(names, ", ")
	}
	return f
}

// fentryState distinguishes a kernel that forbids fentry programs from a process that
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
