// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for every signal that is sent, and for every call of kill, tkill and
 * tgkill that fails. Signals are seen where the kernel generates them, whoever
 * the sender is; calls that fail generate none, so that the two never report the
 * same signal twice.
 */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

#include <gadget/buffer.h>
#include <gadget/common.h>
#include <gadget/errno.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/registers.h>
#include <gadget/types.h>

/* From the uapi header siginfo.h: who sent the signal. */
#define FROM_KILL  0
#define FROM_TKILL (-6)

struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;

	int tpid; /* negative: a process group */
	gadget_signal sig_raw;
	gadget_errno error_raw;
	__u32 __unused;
};

const volatile int target_signal = 0;
const volatile bool failed_only = false;
const volatile bool kill_only = false;

GADGET_PARAM(target_signal);
GADGET_PARAM(failed_only);
GADGET_PARAM(kill_only);

GADGET_TRACER_MAP(events, 256 * 1024);

GADGET_TRACER(signal, events, event);

static __always_inline bool unwanted(int sig)
{
	return (target_signal && sig != target_signal) || gadget_should_discard_data_current();
}

static __always_inline void send(void *ctx, int tpid, int sig, __u32 error)
{
	struct event *event = gadget_reserve_buf(&events, sizeof(*event));

	if (!event)
		return;

	event->timestamp_raw = bpf_ktime_get_boot_ns();
	gadget_process_populate(&event->proc);
	event->tpid = tpid;
	event->sig_raw = sig;
	event->error_raw = error;
	event->__unused = 0;
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
}

SEC("tracepoint/signal/signal_generate")
int signal_generate(struct trace_event_raw_signal_generate *ctx)
{
	if (failed_only || unwanted(ctx->sig))
		return 0;
	if (kill_only && ctx->code != FROM_KILL && ctx->code != FROM_TKILL)
		return 0;

	send(ctx, ctx->pid, ctx->sig, 0);
	return 0;
}

static __always_inline void report_failure(struct syscall_trace_exit *ctx, int tpid, int sig)
{
	if (!unwanted(sig))
		send(ctx, tpid, sig, gadget_errno_of(ctx->ret));
}

/* Of calls for a process or a thread: the first argument is its number. */
static __always_inline int leave(struct syscall_trace_exit *ctx)
{
	struct pt_regs *regs;

	if (ctx->ret >= 0)
		return 0;

	regs = gadget_entry_registers(ctx);
	report_failure(ctx, gadget_argument(regs, 1), gadget_argument(regs, 2));
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_kill")
int exit_kill(struct syscall_trace_exit *ctx)
{
	return leave(ctx);
}

SEC("tracepoint/syscalls/sys_exit_tkill")
int exit_tkill(struct syscall_trace_exit *ctx)
{
	return leave(ctx);
}

SEC("tracepoint/syscalls/sys_exit_tgkill")
int exit_tgkill(struct syscall_trace_exit *ctx)
{
	struct pt_regs *regs;

	if (ctx->ret >= 0)
		return 0;

	regs = gadget_entry_registers(ctx);
	report_failure(ctx, gadget_argument(regs, 2), gadget_argument(regs, 3));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
