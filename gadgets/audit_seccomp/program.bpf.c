// SPDX-License-Identifier: GPL-2.0-only

/* One event for every system call that the kernel reports because of a seccomp filter. */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <gadget/buffer.h>
#include <gadget/common.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/types.h>
#include <gadget/user_stack_map.h>

/* From the uapi header seccomp.h: what a filter decides. */
enum code {
	SECCOMP_RET_KILL_PROCESS = 0x80000000,
	SECCOMP_RET_KILL_THREAD = 0x00000000,
	SECCOMP_RET_TRAP = 0x00030000,
	SECCOMP_RET_ERRNO = 0x00050000,
	SECCOMP_RET_USER_NOTIF = 0x7fc00000,
	SECCOMP_RET_TRACE = 0x7ff00000,
	SECCOMP_RET_LOG = 0x7ffc0000,
	SECCOMP_RET_ALLOW = 0x7fff0000,
};

/* The part of a decision that is one of these. */
#define SECCOMP_RET_ACTION_FULL 0xffff0000

struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;

	gadget_syscall syscall_raw;
	enum code code_raw;
	__u32 __unused;
	struct gadget_user_stack ustack;
};

GADGET_TRACER_MAP(events, 256 * 1024);

GADGET_TRACER(seccomp, events, event);

/* An event of the current task, whose stack is still to be filled in, or NULL. */
static __always_inline struct event *reserve(unsigned long syscall, int code)
{
	struct event *event;

	if (gadget_should_discard_data_current())
		return NULL;
	event = gadget_reserve_buf(&events, sizeof(*event));
	if (!event)
		return NULL;
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	gadget_process_populate(&event->proc);
	event->syscall_raw = syscall;
	event->code_raw = code & SECCOMP_RET_ACTION_FULL;
	event->__unused = 0;
	return event;
}

SEC("fentry/audit_seccomp")
int BPF_PROG(report, unsigned long syscall, long signr, int code)
{
	struct event *event = reserve(syscall, code);

	if (!event)
		return 0;
	gadget_get_user_stack_from_tracepoint(ctx, &event->ustack);
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
	return 0;
}

SEC("kprobe/audit_seccomp")
int BPF_KPROBE(report__fallback, unsigned long syscall, long signr, int code)
{
	struct event *event = reserve(syscall, code);

	if (!event)
		return 0;
	gadget_get_user_stack(ctx, &event->ustack);
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
