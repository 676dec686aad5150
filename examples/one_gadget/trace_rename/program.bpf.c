// SPDX-License-Identifier: GPL-2.0
// Shows every rename of a file: which process, and both names as it gave them.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <gadget/buffer.h>
#include <gadget/common.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/types.h>

#define NAME_MAX 255

struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;
	char from[NAME_MAX];
	char to[NAME_MAX];
};

GADGET_TRACER_MAP(events, 1024 * 256);
GADGET_TRACER(renames, events, event);

static int rename_event(void *ctx, const char *from, const char *to)
{
	struct event *event;

	if (gadget_should_discard_data_current())
		return 0;
	event = gadget_reserve_buf(&events, sizeof(*event));
	if (!event)
		return 0;
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	gadget_process_populate(&event->proc);
	if (bpf_probe_read_user_str(event->from, sizeof(event->from), from) < 0)
		event->from[0] = '\0';
	if (bpf_probe_read_user_str(event->to, sizeof(event->to), to) < 0)
		event->to[0] = '\0';
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
	return 0;
}

// rename(2) exists on amd64 only; programs of coreutils call renameat2.
SEC("tracepoint/syscalls/sys_enter_renameat2")
int enter_renameat2(struct syscall_trace_enter *ctx)
{
	return rename_event(ctx, (const char *)ctx->args[1], (const char *)ctx->args[3]);
}

char LICENSE[] SEC("license") = "GPL";
