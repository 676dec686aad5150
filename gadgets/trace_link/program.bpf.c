// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for every hard or symbolic link that is made. Paths are those that
 * the process gave, read at the exit of the call, when the kernel has brought in
 * the pages that they are in.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/buffer.h>
#include <gadget/common.h>
#include <gadget/errno.h>
#include <gadget/filesystem.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/pending.h>
#include <gadget/types.h>

enum link_type {
	HARDLINK,
	SYMLINK,
};

struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;

	enum link_type type_raw;
	gadget_errno error_raw;
	char target[GADGET_PATH_MAX];
	char linkpath[GADGET_PATH_MAX];
};

const volatile bool ignore_errors = true;

GADGET_PARAM(ignore_errors);

/* From the entry of a system call to its exit. */
struct link_call {
	const char *target;
	const char *linkpath;
	enum link_type type;
};

GADGET_PENDING_MAP(calls, link_call, 4096);
GADGET_TRACER_MAP(events, 256 * 1024);

GADGET_TRACER(link, events, event);

static __always_inline int enter(enum link_type type, unsigned long target, unsigned long linkpath)
{
	struct link_call call = {
		.target = (const char *)target,
		.linkpath = (const char *)linkpath,
		.type = type,
	};

	if (!gadget_should_discard_data_current())
		gadget_keep(&calls, &call, &events);
	return 0;
}

static __always_inline void send(void *ctx, const struct link_call *call, long ret)
{
	struct event *event = gadget_reserve_buf(&events, sizeof(*event));

	if (!event)
		return;

	event->timestamp_raw = bpf_ktime_get_boot_ns();
	gadget_process_populate(&event->proc);
	event->type_raw = call->type;
	event->error_raw = gadget_errno_of(ret);
	__builtin_memset(event->target, 0, sizeof(event->target));
	__builtin_memset(event->linkpath, 0, sizeof(event->linkpath));
	bpf_probe_read_user_str(event->target, sizeof(event->target), call->target);
	bpf_probe_read_user_str(event->linkpath, sizeof(event->linkpath), call->linkpath);
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
}

static __always_inline int leave(struct syscall_trace_exit *ctx)
{
	struct link_call *kept = gadget_kept(&calls), call;

	if (!kept)
		return 0;
	call = *kept;
	gadget_forget(&calls);
	if (ctx->ret < 0 && ignore_errors)
		return 0;

	send(ctx, &call, ctx->ret);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_linkat")
int enter_linkat(struct syscall_trace_enter *ctx)
{
	return enter(HARDLINK, ctx->args[1], ctx->args[3]);
}

SEC("tracepoint/syscalls/sys_exit_linkat")
int exit_linkat(struct syscall_trace_exit *ctx)
{
	return leave(ctx);
}

SEC("tracepoint/syscalls/sys_enter_symlinkat")
int enter_symlinkat(struct syscall_trace_enter *ctx)
{
	return enter(SYMLINK, ctx->args[0], ctx->args[2]);
}

SEC("tracepoint/syscalls/sys_exit_symlinkat")
int exit_symlinkat(struct syscall_trace_exit *ctx)
{
	return leave(ctx);
}

/* The two older calls; arm64 never had them. */
#ifdef __TARGET_ARCH_x86
SEC("tracepoint/syscalls/sys_enter_link")
int enter_link(struct syscall_trace_enter *ctx)
{
	return enter(HARDLINK, ctx->args[0], ctx->args[1]);
}

SEC("tracepoint/syscalls/sys_exit_link")
int exit_link(struct syscall_trace_exit *ctx)
{
	return leave(ctx);
}

SEC("tracepoint/syscalls/sys_enter_symlink")
int enter_symlink(struct syscall_trace_enter *ctx)
{
	return enter(SYMLINK, ctx->args[0], ctx->args[1]);
}

SEC("tracepoint/syscalls/sys_exit_symlink")
int exit_symlink(struct syscall_trace_exit *ctx)
{
	return leave(ctx);
}
#endif /* __TARGET_ARCH_x86 */

char LICENSE[] SEC("license") = "GPL";
