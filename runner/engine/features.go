package engine

import (
	"errors"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
)

// Feature is something that a kernel may support.
type Feature struct{ Name, State string }

// Features returns what this kernel supports of what gadgets need. A process
// that may not try says "unknown".
func Features() []Feature {
	return []Feature{
		{"kernel BTF", present("/sys/kernel/btf/vmlinux")},
		{"ring buffer", state(features.HaveMapType(ebpf.RingBuf))},
		{"tracepoints", state(features.HaveProgramType(ebpf.TracePoint))},
		{"raw tracepoints", state(features.HaveProgramType(ebpf.RawTracepoint))},
		{"fentry, fexit", state(features.HaveProgramType(ebpf.Tracing))},
		{"kprobes", present("/sys/bus/event_source/devices/kprobe")},
		{"uprobes", present("/sys/bus/event_source/devices/uprobe")},
		{"boot clock", state(features.HaveProgramHelper(ebpf.TracePoint, asm.FnKtimeGetBootNs))},
	}
}

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
