// SPDX-License-Identifier: GPL-2.0
// Shows which process starts.
#include <shared/process_event.h>

GADGET_TRACER(starts, events, process_event);

SEC("tracepoint/sched/sched_process_exec")
int starts_event(void *ctx)
{
	return emit_process(ctx);
}

char LICENSE[] SEC("license") = "GPL";
