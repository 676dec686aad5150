// SPDX-License-Identifier: GPL-2.0
// Shows which process sends a signal to which, and the parent of the receiver: a field that only BTF finds.
#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <gadget/buffer.h>
#include <gadget/common.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/types.h>

struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;
	gadget_signal sig_raw;
	__u32 receiver;
	__u32 receiver_parent;
};

GADGET_TRACER_MAP(events, 1024 * 64);
GADGET_TRACER(signals, events, event);

SEC("raw_tracepoint/signal_generate")
int generate_signal(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx->args[2];
	struct event *event;

	if (gadget_should_discard_data_current())
		return 0;
	event = gadget_reserve_buf(&events, sizeof(*event));
	if (!event)
		return 0;
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	gadget_process_populate(&event->proc);
	event->sig_raw = ctx->args[0];
	event->receiver = BPF_CORE_READ(task, tgid);
	event->receiver_parent = BPF_CORE_READ(task, real_parent, tgid);
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
