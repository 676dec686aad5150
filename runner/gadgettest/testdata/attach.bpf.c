// SPDX-License-Identifier: Apache-2.0
// One program for each way to attach that this runner has. Tests disable what
// they do not look at. The events leave through a perf buffer.
#include "fixture.h"

struct event {
	char via[16];
	gadget_pid pid;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");
MARK(gadget_map_tracer_events);

TRACER(attach, events, event);

#define PROGRAM(section, name)                                                      \
	SEC(section)                                                                \
	int name(void *ctx)                                                         \
	{                                                                           \
		struct event e = { .via = #name };                                  \
                                                                                    \
		e.pid = bpf_get_current_pid_tgid() >> 32;                           \
		bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &e, sizeof(e)); \
		return 0;                                                           \
	}

PROGRAM("tracepoint/syscalls/sys_enter_openat", tracepoint)
PROGRAM("raw_tp/sched_process_exec", raw_tp)
PROGRAM("tp_btf/sched_process_exec", tp_btf)
PROGRAM("fentry/vfs_open", fentry)
PROGRAM("fexit/vfs_open", fexit)
PROGRAM("kprobe/vfs_open", kprobe)
PROGRAM("kretprobe/vfs_open", kretprobe)
PROGRAM("uprobe/libc:exit", uprobe)
PROGRAM("uretprobe/libc:malloc", uretprobe)
