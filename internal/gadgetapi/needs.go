package gadgetapi

import (
	"slices"

	"github.com/cilium/ebpf"
)

// Need is something of the machine that attaching programs takes in addition to the
// release of its kernel.
type Need string

// What attach kinds need. Needs has a hint for each.
const (
	NeedBTF        Need = "kernel BTF"
	NeedTracefs    Need = "tracefs"
	NeedKprobes    Need = "kprobes"
	NeedUprobes    Need = "uprobes"
	NeedTrampoline Need = "BPF trampolines"
	NeedLSM        Need = "BPF LSM"
	NeedPerf       Need = "perf events"
	NeedCgroup     Need = "cgroup v2"
)

// NeedHint is a Need with what helps where it is missing.
type NeedHint struct {
	Need Need
	Hint string
}

// Needs lists every Need, in the order in which they are printed.
func Needs() []NeedHint {
	return []NeedHint{
		{NeedBTF, "run gadgets that carry BTF for this kernel, or give it with --btf FILE"},
		{NeedTracefs, "no action needed with CAP_SYS_ADMIN: gadget-run mounts it for the run alone"},
		{NeedKprobes, "a kernel with CONFIG_KPROBES and CONFIG_KPROBE_EVENTS"},
		{NeedUprobes, "a kernel with CONFIG_UPROBES and CONFIG_UPROBE_EVENTS"},
		{NeedTrampoline, "a kernel with CONFIG_FUNCTION_TRACER and its own BTF, and no policy against them"},
		{NeedLSM, "a kernel with CONFIG_BPF_LSM, and \"bpf\" in the list of the boot parameter lsm="},
		{NeedPerf, "a kernel with CONFIG_PERF_EVENTS"},
		{NeedCgroup, "mount -t cgroup2 cgroup2 /sys/fs/cgroup"},
	}
}

// The capabilities that attaching programs takes.
const (
	CapBPF      = "CAP_BPF"
	CapPerfmon  = "CAP_PERFMON"
	CapNetAdmin = "CAP_NET_ADMIN"
	CapNetRaw   = "CAP_NET_RAW"
)

// tracing are the types of programs that see the memory of the kernel.
var tracing = []ebpf.ProgramType{
	ebpf.Kprobe, ebpf.TracePoint, ebpf.PerfEvent, ebpf.RawTracepoint, ebpf.RawTracepointWritable, ebpf.Tracing, ebpf.LSM,
}

// Capabilities returns what a process needs to load and attach programs of the
// kind. A program whose helpers read the memory of the kernel also needs CapPerfmon.
func (k *Kind) Capabilities() []string {
	switch {
	case slices.Contains(tracing, k.Program):
		return []string{CapBPF, CapPerfmon}
	case k.Program == ebpf.SocketFilter:
		return []string{CapBPF, CapNetRaw}
	}
	return []string{CapBPF, CapNetAdmin}
}
