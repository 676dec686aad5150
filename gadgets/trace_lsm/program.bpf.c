// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event each time the kernel calls a hook of its security modules. The wasm
 * program leaves out the hooks that are not requested and that this kernel lacks.
 */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

#include <gadget/buffer.h>
#include <gadget/common.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/types.h>

#include "hooks.h"

#define NUMBER(hook, function) hook,

enum lsm_tracepoint { FOR_EACH_HOOK(NUMBER) };

struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;

	enum lsm_tracepoint tracepoint_raw;
	__u32 __unused;
};

GADGET_TRACER_MAP(events, 1024 * 1024);

GADGET_TRACER(lsm, events, event);

static __always_inline int asked(void *ctx, enum lsm_tracepoint hook)
{
	struct event *event;

	if (gadget_should_discard_data_current())
		return 0;
	event = gadget_reserve_buf(&events, sizeof(*event));
	if (!event)
		return 0;
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	gadget_process_populate(&event->proc);
	event->tracepoint_raw = hook;
	event->__unused = 0;
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
	return 0;
}

/*
 * The function that calls all security modules, not the hook of the module for eBPF:
 * that module need not be active, and is not called where another one refuses.
 */
#define PROGRAMS(hook, function)                    \
	SEC("fentry/security_" #function)           \
	int trace_lsm_##hook(void *ctx)             \
	{                                           \
		return asked(ctx, hook);            \
	}                                           \
	SEC("kprobe/security_" #function)           \
	int trace_lsm_##hook##__fallback(void *ctx) \
	{                                           \
		return asked(ctx, hook);            \
	}

FOR_EACH_HOOK(PROGRAMS)

/*
 * One program for many hooks, which the kernel attaches and detaches at once. The
 * cookie of each function is the number of its hook.
 */
SEC("kprobe.multi/security_inode_mkdir")
int trace_lsm_many(void *ctx)
{
	return asked(ctx, bpf_get_attach_cookie(ctx));
}

char LICENSE[] SEC("license") = "GPL";
