// SPDX-License-Identifier: Apache-2.0
// A small trace_open: one event for each openat that returns.
#include "fixture.h"

struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;
	gadget_errno error_raw;
	__u32 fd;
	gadget_file_flags flags_raw;
	gadget_file_mode mode_raw;
	char fname[255];
};

struct args {
	const char *fname;
	__u32 flags;
	__u32 mode;
};

struct enter {
	__u64 head;
	long nr;
	unsigned long args[6];
};

struct leave {
	__u64 head;
	long nr;
	long ret;
};

const volatile _Bool targ_failed = 0;
PARAM(targ_failed);
const volatile gadget_pid targ_pid = 0;
PARAM(targ_pid);
const volatile gadget_comm targ_comm[16] = {};
PARAM(targ_comm);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, __u64);
	__type(value, struct args);
} start SEC(".maps");

RING(events, 256 * 1024);
TRACER(open, events, event);

SEC("tracepoint/syscalls/sys_enter_openat")
int enter_openat(struct enter *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct args a = {
		.fname = (const char *)ctx->args[1],
		.flags = ctx->args[2],
		.mode = ctx->args[3],
	};

	if (targ_pid && targ_pid != id >> 32)
		return 0;
	bpf_map_update_elem(&start, &id, &a, BPF_ANY);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_openat")
int exit_openat(struct leave *ctx)
{
	__u64 id = bpf_get_current_pid_tgid(), ug = bpf_get_current_uid_gid();
	struct args *a = bpf_map_lookup_elem(&start, &id);
	struct event *e;

	if (!a)
		return 0;
	if (targ_failed && ctx->ret >= 0)
		goto out;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		LOST(events);
		goto out;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->timestamp_raw = bpf_ktime_get_boot_ns();
	e->proc.pid = id >> 32;
	e->proc.tid = id;
	e->proc.creds.uid = ug;
	e->proc.creds.gid = ug >> 32;
	bpf_get_current_comm(e->proc.comm, sizeof(e->proc.comm));
	if (ctx->ret < 0)
		e->error_raw = -ctx->ret;
	else
		e->fd = ctx->ret;
	e->flags_raw = a->flags;
	e->mode_raw = a->mode;
	bpf_probe_read_user_str(e->fname, sizeof(e->fname), a->fname);
	bpf_ringbuf_submit(e, 0);
out:
	bpf_map_delete_elem(&start, &id);
	return 0;
}

/* This system call exists on no kernel: the program is skipped with a note. */
SEC("tracepoint/syscalls/sys_enter_gadgettest")
int enter_nothing(struct enter *ctx)
{
	return 0;
}
