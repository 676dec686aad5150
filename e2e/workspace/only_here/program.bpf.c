// SPDX-License-Identifier: GPL-2.0
// Compiles only with the vmlinux.h of this directory.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <gadget/buffer.h>
#include <gadget/macros.h>
#include <gadget/types.h>

struct event {
	gadget_timestamp timestamp_raw;
	struct only_here here;
};

GADGET_TRACER_MAP(events, 1024 * 64);
GADGET_TRACER(only_here, events, event);

SEC("tracepoint/sched/sched_process_exit")
int only_here_exit(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
