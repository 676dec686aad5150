// SPDX-License-Identifier: GPL-2.0
// Reports which process ends: a gadget of another workspace, made with only the rules and their headers.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <gadget/buffer.h>
#include <gadget/macros.h>
#include <gadget/types.h>

struct event {
	gadget_timestamp timestamp_raw;
	gadget_comm comm[TASK_COMM_LEN];
	gadget_pid pid;
};

GADGET_TRACER_MAP(events, 1024 * 64);
GADGET_TRACER(hello, events, event);

SEC("tracepoint/sched/sched_process_exit")
int hello_exit(void *ctx)
{
	struct event *event = gadget_reserve_buf(&events, sizeof(*event));

	if (!event)
		return 0;
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	event->pid = bpf_get_current_pid_tgid() >> 32;
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
