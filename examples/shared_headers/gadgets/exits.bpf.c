// SPDX-License-Identifier: GPL-2.0
// Shows which process ends.
#include <shared/process_event.h>

GADGET_TRACER(exits, events, process_event);

SEC("tracepoint/sched/sched_process_exit")
int exits_event(void *ctx)
{
	return emit_process(ctx);
}

char LICENSE[] SEC("license") = "GPL";
