package rights

import (
	"slices"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// calls are what a running gadget takes: reading events and files, writing, memory
// and threads of the Go runtime, sockets of container runtimes and metrics.
var calls = []string{
	"read", "write", "readv", "writev", "pread64", "pwrite64", "close", "openat", "fstat", "newfstatat", "statx", "lseek",
	"fcntl", "ioctl",
	"dup", "dup3", "pipe2", "fsync", "ftruncate", "getdents64", "readlinkat", "faccessat", "faccessat2", "statfs",
	"fstatfs", "getcwd",
	"mmap", "munmap", "mremap", "mprotect", "madvise", "mincore", "brk", "membarrier", "memfd_create",
	"futex", "futex_waitv", "clone", "clone3", "set_robust_list", "rseq", "sigaltstack", "rt_sigaction", "rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigtimedwait", "tgkill", "tkill", "kill", "gettid", "getpid", "getppid", "exit", "exit_group", "restart_syscall",
	"getuid", "geteuid", "getgid", "getegid", "capget", "prctl",
	"nanosleep", "clock_nanosleep", "clock_gettime", "clock_getres", "gettimeofday", "timer_create", "timer_settime",
	"timer_delete",
	"timerfd_create", "timerfd_settime", "setitimer", "sched_yield", "sched_getaffinity", "getrandom", "uname", "sysinfo",
	"getrusage",
	"prlimit64", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "eventfd2", "ppoll", "pselect6",
	"pidfd_open", "pidfd_send_signal", "waitid", "wait4",
	"socket", "socketpair", "connect", "bind", "listen", "accept4", "accept", "sendto", "recvfrom", "sendmsg", "recvmsg",
	"sendmmsg", "recvmmsg",
	"shutdown", "getsockname", "getpeername", "setsockopt", "getsockopt", "inotify_init1", "inotify_add_watch",
	"inotify_rm_watch",
}

// callsOf are old forms of them that some architectures also have, and other names.
var callsOf = map[string][]string{
	"amd64": {
		"open", "stat", "lstat", "access", "readlink", "poll", "select", "pipe", "dup2", "epoll_wait", "epoll_create",
		"eventfd", "arch_prctl", "getdents", "time",
	},
	"arm64": {"fstatat"}, // newfstatat
}

// attachingCalls load and attach programs and enter namespaces.
var attachingCalls = []string{"bpf", "perf_event_open", "setns", "unshare", "mount", "pidfd_getfd"}

// renamingCalls give files other names, and cut them.
var renamingCalls = []string{"renameat", "renameat2", "truncate"}

// mapCommands are the commands of bpf(2) that a running gadget takes.
var mapCommands = []uint64{
	1,              // BPF_MAP_LOOKUP_ELEM
	2,              // BPF_MAP_UPDATE_ELEM
	3,              // BPF_MAP_DELETE_ELEM
	4,              // BPF_MAP_GET_NEXT_KEY
	9,              // BPF_PROG_DETACH
	15,             // BPF_OBJ_GET_INFO_BY_FD
	21,             // BPF_MAP_LOOKUP_AND_DELETE_ELEM
	22,             // BPF_MAP_FREEZE
	24, 25, 26, 27, // BPF_MAP_*_BATCH
	33, // BPF_ITER_CREATE
	34, // BPF_LINK_DETACH
}

// available returns those of names that this architecture has.
func available(names []string) []string {
	info, err := arch.GetInfo("")
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		_, has := info.SyscallNames[name]
		return !has
	})
}
