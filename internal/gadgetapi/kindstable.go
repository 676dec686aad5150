package gadgetapi

import (
	"github.com/cilium/ebpf"

	"github.com/rules-gadget/rules_gadget/internal/feature"
)

// The names of attach kinds, by which the runner finds how to attach them.
const (
	KindTracepoint    = "tracepoint"
	KindRawTracepoint = "raw tracepoint"
	KindRawWritable   = "writable raw tracepoint"
	KindTpBTF         = "tp_btf"
	KindKprobe        = "kprobe"
	KindKsyscall      = "ksyscall"
	KindKprobeMulti   = "kprobe.multi"
	KindKprobeSession = "kprobe.session"
	KindUprobe        = "uprobe"
	KindUprobeMulti   = "uprobe.multi"
	KindUSDT          = "usdt"
	KindFentry        = "fentry"
	KindFmodRet       = "fmod_ret"
	KindLSM           = "lsm"
	KindLSMCgroup     = "lsm_cgroup"
	KindIter          = "iter"
	KindPerfEvent     = "perf_event"
	KindSocket        = "socket filter"
	KindTC            = "tc"
	KindXDP           = "xdp"
	KindCgroupSKB     = "cgroup_skb"
	KindCgroupAddr    = "cgroup sockaddr"
	KindCgroupSock    = "cgroup sock"
	KindCgroupSockopt = "cgroup sockopt"
	KindCgroupSysctl  = "cgroup sysctl"
	KindCgroupDevice  = "cgroup device"
	KindSockOps       = "sockops"
	KindSKSKB         = "sk_skb"
	KindSKMsg         = "sk_msg"
	KindSKLookup      = "sk_lookup"
	KindFlowDissector = "flow_dissector"
)

// trampoline are the needs of kinds that name their target by a type id.
var trampoline = []Need{NeedBTF, NeedTrampoline}

// kinds is the table. Of two rows whose sections match, the longer section counts.
var kinds = []Kind{
	{
		Name: KindTracepoint, Sections: []string{"tracepoint", "tp"}, Program: ebpf.TracePoint,
		Sample: "sched/sched_process_exit", Target: "GROUP/NAME",
		Needs: []Need{NeedTracefs}, How: "by its name in tracefs",
	},
	{
		Name: KindRawTracepoint, Sections: []string{"raw_tracepoint", "raw_tp"}, Program: ebpf.RawTracepoint,
		Sample: "sched_process_exit", Target: "NAME",
		How: "by its name",
	},
	{
		Name: KindRawWritable, Sections: []string{"raw_tracepoint.w", "raw_tp.w"}, Program: ebpf.RawTracepointWritable,
		Sample: "bpf_test_finish", Target: "NAME",
		How: "by its name",
	},
	{
		Name: KindTpBTF, Sections: []string{"tp_btf"}, Program: ebpf.Tracing, Sample: "sched_process_exit",
		Attach: ebpf.AttachTraceRawTp, Target: "NAME",
		Needs: []Need{NeedBTF}, How: "by its name",
	},
	{
		Name: KindKprobe, Sections: []string{"kprobe", "kretprobe"}, Program: ebpf.Kprobe, Sample: "vfs_fsync",
		Target: "FUNCTION, FUNCTION+OFFSET",
		Needs:  []Need{NeedKprobes}, How: "to a function of the kernel",
	},
	{
		Name: KindKsyscall, Sections: []string{"ksyscall", "kretsyscall"}, Program: ebpf.Kprobe, Target: "SYSCALL",
		Needs: []Need{NeedKprobes}, Hint: `use "kprobe" with the name of the function, or the tracepoint of the system call`,
	},
	{
		Name: KindKprobeMulti, Sections: []string{"kprobe.multi", "kretprobe.multi"}, Program: ebpf.Kprobe,
		Sample: "vfs_fsync",
		Attach: ebpf.AttachTraceKprobeMulti, Falls: true, Target: "FUNCTION, PATTERN with * and ?, a list of FUNCTION=COOKIE",
		Needs: []Need{NeedKprobes},
		How:   "to all functions of the kernel that match, at once; before Linux 5.18 to one after the other, at most 256",
	},
	{
		Name: KindKprobeSession, Sections: []string{"kprobe.session"}, Program: ebpf.Kprobe, Sample: "vfs_fsync",
		Attach: ebpf.AttachTraceKprobeSession,
		Target: "FUNCTION, PATTERN with * and ?, a list of FUNCTION=COOKIE", Needs: []Need{NeedKprobes},
		How: "to all functions of the kernel that match, when they are called and when they return",
	},
	{
		Name: KindUprobe, Sections: []string{"uprobe", "uretprobe"}, Program: ebpf.Kprobe,
		Sample: "/proc/self/exe:runtime.main", Target: "BINARY:SYMBOL, BINARY:SYMBOL+OFFSET",
		Needs: []Need{NeedUprobes}, How: "to a function of a program or library, in the host and in containers",
	},
	{
		Name: KindUprobeMulti, Sections: []string{"uprobe.multi", "uretprobe.multi"}, Program: ebpf.Kprobe,
		Sample: "/proc/self/exe:runtime.main",
		Attach: ebpf.AttachTraceUprobeMulti, Falls: true, Target: "BINARY:FUNCTION, BINARY:PATTERN with * and ?",
		Needs: []Need{NeedUprobes},
		How: "to all functions of a program or library that match, at once; before Linux 6.6 to one after the other, at " +
			"most 256",
	},
	{
		Name: "uprobe.session", Sections: []string{"uprobe.session"}, Program: ebpf.Kprobe,
		Needs: []Need{NeedUprobes}, Hint: `use "uprobe.multi" and "uretprobe.multi"`,
	},
	{
		Name: KindUSDT, Sections: []string{"usdt"}, Program: ebpf.Kprobe, Target: "BINARY:PROVIDER:NAME",
		Release: feature.Release{Major: 5, Minor: 15}, // programs read which probe it is from their cookie
		Needs:   []Need{NeedUprobes}, How: "to every place of a static probe that the notes of a binary list",
	},
	{
		Name: KindFentry, Sections: []string{"fentry", "fexit"}, Program: ebpf.Tracing, Sample: "vfs_fsync",
		Attach: ebpf.AttachTraceFEntry,
		Target: "FUNCTION", Needs: trampoline, How: "to a function of the kernel",
	},
	{
		Name: "fsession", Sections: []string{"fsession"}, Program: ebpf.Tracing, Attach: feature.AttachTraceFSession,
		Needs: trampoline, Hint: `use "fentry" and "fexit"`,
	},
	{
		Name: KindFmodRet, Sections: []string{"fmod_ret"}, Program: ebpf.Tracing, Sample: "security_sb_statfs",
		Attach: ebpf.AttachModifyReturn,
		Target: "FUNCTION", Needs: trampoline,
		How: "to a function of the kernel that allows errors to be injected, or a security hook",
	},
	{
		Name: KindLSM, Sections: []string{"lsm"}, Program: ebpf.LSM, Sample: "sb_statfs", Attach: ebpf.AttachLSMMac,
		Target: "HOOK", Needs: append([]Need{NeedLSM}, trampoline...), How: "to a security hook",
	},
	{
		Name: KindLSMCgroup, Sections: []string{"lsm_cgroup"}, Program: ebpf.LSM, Attach: ebpf.AttachLSMCgroup,
		Target: "HOOK", Needs: append([]Need{NeedLSM, NeedCgroup}, trampoline...), Hint: `use "lsm"`,
	},
	{
		Name: KindIter, Sections: []string{"iter"}, Program: ebpf.Tracing, Sample: "task", Attach: ebpf.AttachTraceIter,
		Target: "TARGET",
		Macro:  "GADGET_ITER", Needs: []Need{NeedBTF},
		How: "read whenever its data source is; one of control groups below the directory of --cgroup, else everywhere",
	},
	{
		Name: KindPerfEvent, Sections: []string{"perf_event*"}, Program: ebpf.PerfEvent, Target: "", Needs: []Need{NeedPerf},
		How: "to an event of every CPU, as the sampler in gadget.yaml says; to the clock of the kernel where the hardware " +
			"counts nothing",
	},
	{
		Name: KindSocket, Sections: []string{"socket*"}, Program: ebpf.SocketFilter,
		How: "to a packet socket of all network interfaces, here and in the network namespaces of containers; with --iface " +
			"to those interfaces alone",
	},
	{
		Name:     KindTC,
		Sections: []string{"classifier/ingress", "classifier/egress", "tc/ingress", "tc/egress", "tcx/ingress", "tcx/egress"},
		Program:  ebpf.SchedCLS, Falls: true, Pass: -1,
		How: "by tcx, before Linux 6.6 by a clsact qdisc, to the network interfaces of --iface, else to those in the " +
			"network namespaces of containers; the verdict TC_ACT_OK becomes TC_ACT_UNSPEC, so that other programs see " +
			"the packet",
	},
	{
		Name: KindXDP, Sections: []string{"xdp*"}, Program: ebpf.XDP, Attach: ebpf.AttachXDP, Pass: 2,
		How: "to the network interfaces of --iface, in generic mode where the driver has no XDP",
	},
	{
		Name: KindCgroupSKB, Sections: []string{"cgroup_skb/ingress*", "cgroup_skb/egress*"}, Program: ebpf.CGroupSKB,
		Attach: ebpf.AttachCGroupInetIngress, Pass: 1,
		Needs: []Need{NeedCgroup}, How: "to the root of cgroup v2, or to the directory of --cgroup",
	},
	{
		Name: KindCgroupAddr, Sections: []string{
			"cgroup/bind4", "cgroup/bind6", "cgroup/connect4", "cgroup/connect6", "cgroup/connect_unix",
			"cgroup/sendmsg4", "cgroup/sendmsg6", "cgroup/sendmsg_unix", "cgroup/recvmsg4", "cgroup/recvmsg6",
			"cgroup/recvmsg_unix",
			"cgroup/getpeername4", "cgroup/getpeername6", "cgroup/getpeername_unix",
			"cgroup/getsockname4", "cgroup/getsockname6", "cgroup/getsockname_unix",
		},
		Program: ebpf.CGroupSockAddr, Attach: ebpf.AttachCGroupInet4Connect, Pass: 1, Needs: []Need{NeedCgroup},
		How: "to the root of cgroup v2, or to the directory of --cgroup",
	},
	{
		Name: KindCgroupSock,
		Sections: []string{
			"cgroup/sock", "cgroup/sock_create", "cgroup/sock_release", "cgroup/post_bind4", "cgroup/post_bind6",
		},
		Program: ebpf.CGroupSock, Attach: ebpf.AttachCGroupInetSockCreate, Pass: 1, Needs: []Need{NeedCgroup},
		How: "to the root of cgroup v2, or to the directory of --cgroup",
	},
	{
		Name: KindCgroupSockopt, Sections: []string{"cgroup/getsockopt", "cgroup/setsockopt"}, Program: ebpf.CGroupSockopt,
		Attach: ebpf.AttachCGroupGetsockopt, Pass: 1,
		Needs: []Need{NeedCgroup}, How: "to the root of cgroup v2, or to the directory of --cgroup",
	},
	{
		Name: KindCgroupSysctl, Sections: []string{"cgroup/sysctl"}, Program: ebpf.CGroupSysctl,
		Attach: ebpf.AttachCGroupSysctl, Pass: 1,
		Needs: []Need{NeedCgroup}, How: "to the root of cgroup v2, or to the directory of --cgroup",
	},
	{
		Name: KindCgroupDevice, Sections: []string{"cgroup/dev"}, Program: ebpf.CGroupDevice, Attach: ebpf.AttachCGroupDevice,
		Pass: 1, Needs: []Need{NeedCgroup}, How: "to the root of cgroup v2, or to the directory of --cgroup",
	},
	{
		Name: KindSockOps, Sections: []string{"sockops*"}, Program: ebpf.SockOps, Attach: ebpf.AttachCGroupSockOps, Pass: 1,
		Needs: []Need{NeedCgroup}, How: "to the root of cgroup v2, or to the directory of --cgroup",
	},
	{
		Name: KindSKSKB, Sections: []string{"sk_skb/stream_parser", "sk_skb/stream_verdict", "sk_skb/verdict"},
		Program: ebpf.SkSKB, Attach: ebpf.AttachSkSKBStreamVerdict, Pass: 1,
		Macro: "GADGET_SK_TARGET_MAP", How: "to the map of sockets that the macro names",
	},
	{
		Name: KindSKMsg, Sections: []string{"sk_msg*"}, Program: ebpf.SkMsg, Pass: 1, Attach: ebpf.AttachSkMsgVerdict,
		Macro: "GADGET_SK_TARGET_MAP", How: "to the map of sockets that the macro names",
	},
	{
		Name: KindSKLookup, Sections: []string{"sk_lookup*"}, Program: ebpf.SkLookup,
		Hint: "use a kind that gadget-run attaches: tracepoints, probes, fentry, LSM, iterators, tc, XDP or cgroup programs",
	},
	{
		Name: KindFlowDissector, Sections: []string{"flow_dissector*"}, Program: ebpf.FlowDissector,
		Hint: "use a kind that gadget-run attaches: tracepoints, probes, fentry, LSM, iterators, tc, XDP or cgroup programs",
	},
	{
		Name: "tc without a direction", Sections: []string{"tc", "classifier"}, Program: ebpf.SchedCLS,
		Hint: `use "classifier/ingress" or "classifier/egress"`,
	},
	{
		Name: "tc action", Sections: []string{"action"}, Program: ebpf.SchedACT,
		Hint: `use "classifier/ingress" or "classifier/egress"`,
	},
	{
		Name: "netkit", Sections: []string{"netkit"}, Program: ebpf.SchedCLS,
		Hint: `use "classifier/ingress" or "classifier/egress"`,
	},
	{
		Name: "xdp of a map", Sections: []string{"xdp/devmap", "xdp/cpumap", "xdp.frags/devmap", "xdp.frags/cpumap"},
		Program: ebpf.XDP,
		Hint:    `use "xdp"; a program of a map runs when another one redirects to it`,
	},
	{
		Name: "cgroup skb without a direction", Sections: []string{"cgroup/skb"}, Program: ebpf.CGroupSKB,
		Hint: `use "cgroup_skb/ingress" or "cgroup_skb/egress"`,
	},
	{
		Name: "sk_skb without a hook", Sections: []string{"sk_skb"}, Program: ebpf.SkSKB,
		Hint: `use "sk_skb/stream_parser", "sk_skb/stream_verdict" or "sk_skb/verdict"`,
	},
	{
		Name: "sk_reuseport", Sections: []string{"sk_reuseport"}, Program: ebpf.SkReuseport,
		Hint: "only the program that owns the sockets can attach it",
	},
	{
		Name: "netfilter", Sections: []string{"netfilter"}, Program: ebpf.Netfilter,
		Hint: `use "classifier/ingress" or "cgroup_skb/ingress"`,
	},
	{
		Name: "lightweight tunnel", Sections: []string{"lwt_in", "lwt_out", "lwt_xmit", "lwt_seg6local"}, Program: ebpf.LWTIn,
		Hint: "it belongs to a route, use \"classifier/egress\"",
	},
	{
		Name: "lirc_mode2", Sections: []string{"lirc_mode2"}, Program: ebpf.LircMode2,
		Hint: "it changes how an infrared receiver works",
	},
	{
		Name: "freplace", Sections: []string{"freplace"}, Program: ebpf.Extension,
		Hint: "it replaces a function of another program, use a function of the gadget's own",
	},
	{
		Name: "struct_ops", Sections: []string{"struct_ops"}, Program: ebpf.StructOps,
		Hint: "it changes how the kernel works, which is not what gadgets do",
	},
	{
		Name: "syscall", Sections: []string{"syscall"}, Program: ebpf.Syscall,
		Hint: "it runs when a process starts it, use a kind that an event starts",
	},
}
