// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for every call that loads a kernel module, whether the kernel then
 * takes the module or not.
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

#define PARAM_VALUES_MAX 256

enum syscall_type {
	init_module,
	finit_module,
};

struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;

	__u64 len;
	enum syscall_type syscall_raw;
	gadget_errno error_raw;
	__s32 fd;
	__u32 flags;
	char param_values[PARAM_VALUES_MAX];
	char filepath[GADGET_PATH_MAX];
};

/* From the entry of a system call to its exit. */
struct module_call {
	__u64 len;
	const char *param_values;
	enum syscall_type syscall;
	__s32 fd;
	__u32 flags;
};

GADGET_PENDING_MAP(calls, module_call, 1024);
GADGET_TRACER_MAP(events, 256 * 1024);

GADGET_TRACER(init, events, event);

static __always_inline int leave(struct syscall_trace_exit *ctx)
{
	struct module_call *kept = gadget_kept(&calls), call;
	struct event *event;

	if (!kept)
		return 0;
	call = *kept;
	gadget_forget(&calls);

	event = gadget_reserve_buf(&events, sizeof(*event));
	if (!event)
		return 0;
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	gadget_process_populate(&event->proc);
	event->len = call.len;
	event->syscall_raw = call.syscall;
	event->error_raw = gadget_errno_of(ctx->ret);
	event->fd = call.fd;
	event->flags = call.flags;
	__builtin_memset(event->param_values, 0, sizeof(event->param_values));
	__builtin_memset(event->filepath, 0, sizeof(event->filepath));
	bpf_probe_read_user_str(event->param_values, sizeof(event->param_values),
				call.param_values);
	if (call.syscall == finit_module)
		read_full_path_of_open_file_fd(call.fd, event->filepath, sizeof(event->filepath));
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_init_module")
int enter_init_module(struct syscall_trace_enter *ctx)
{
	struct module_call call = {
		.len = ctx->args[1],
		.param_values = (const char *)ctx->args[2],
		.syscall = init_module,
		.fd = -1,
	};

	if (!gadget_should_discard_data_current())
		gadget_keep(&calls, &call, &events);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_init_module")
int exit_init_module(struct syscall_trace_exit *ctx)
{
	return leave(ctx);
}

SEC("tracepoint/syscalls/sys_enter_finit_module")
int enter_finit_module(struct syscall_trace_enter *ctx)
{
	struct module_call call = {
		.param_values = (const char *)ctx->args[1],
		.syscall = finit_module,
		.fd = ctx->args[0],
		.flags = ctx->args[2],
	};

	if (!gadget_should_discard_data_current())
		gadget_keep(&calls, &call, &events);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_finit_module")
int exit_finit_module(struct syscall_trace_exit *ctx)
{
	return leave(ctx);
}

char LICENSE[] SEC("license") = "GPL";
