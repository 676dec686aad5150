// SPDX-License-Identifier: GPL-2.0
// As many events as the benchmark asks for: some for each openat of one process.
#include <vmlinux.h>

#include <bpf/bpf_helpers.h>

#include <gadget/buffer.h>
#include <gadget/common.h>
#include <gadget/macros.h>
#include <gadget/types.h>

struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;
	__u64 number;
	char fname[64];
};

const volatile gadget_pid targ_pid = 0;
GADGET_PARAM(targ_pid);

/* Events for each openat. */
const volatile __u32 events_each = 1;
GADGET_PARAM(events_each);

GADGET_TRACER_MAP(events, 1024 * 1024);
GADGET_TRACER(flood, events, event);

static long emit(__u32 number, void *ctx)
{
	struct event *event = gadget_reserve_buf(&events, sizeof(*event));

	if (!event)
		return 0;
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	gadget_process_populate(&event->proc);
	event->number = number;
	__builtin_memset(event->fname, 0, sizeof(event->fname));
	__builtin_memcpy(event->fname, "/some/path/of/usual/length", 27);
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_openat")
int flood(void *ctx)
{
	if (!targ_pid || targ_pid != bpf_get_current_pid_tgid() >> 32)
		return 0;
	for (__u32 i = 0; i < 64 && i < events_each; i++)
		emit(i, ctx);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
