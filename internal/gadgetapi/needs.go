package gadgetapi

// Need is something of the machine that attaching programs takes besides the
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
	NeedNetAdmin   Need = "CAP_NET_ADMIN"
	NeedCgroup     Need = "cgroup v2"
)

// NeedHint is a Need with what helps where it is missing.
type NeedHint struct {
	Need Need
	Hint string
}

// Needs lists every Need, in the order in which people are told.
func Needs() []NeedHint {
	return []NeedHint{
		{NeedBTF, "run gadgets that carry BTF for this kernel, or give it with --btf FILE"},
		{NeedTracefs, "nothing to do with CAP_SYS_ADMIN: it is mounted for the run alone"},
		{NeedKprobes, "a kernel with CONFIG_KPROBES and CONFIG_KPROBE_EVENTS"},
		{NeedUprobes, "a kernel with CONFIG_UPROBES and CONFIG_UPROBE_EVENTS"},
		{NeedTrampoline, "a kernel with CONFIG_FUNCTION_TRACER and its own BTF, and no policy against them"},
		{NeedLSM, "a kernel with CONFIG_BPF_LSM, and \"bpf\" in the list of the boot parameter lsm="},
		{NeedPerf, "a kernel with CONFIG_PERF_EVENTS"},
		{NeedNetAdmin, "run it as root, or with CAP_NET_ADMIN"},
		{NeedCgroup, "mount -t cgroup2 cgroup2 /sys/fs/cgroup"},
	}
}
