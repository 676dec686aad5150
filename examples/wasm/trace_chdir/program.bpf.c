// SPDX-License-Identifier: GPL-2.0
// Shows every directory that a process changes to, as the process gave it.
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
	char path[NAME_MAX];
};

GADGET_TRACER_MAP(events, 1024 * 256);
GADGET_TRACER(chdir, events, event);

SEC("tracepoint/syscalls/sys_enter_chdir")
int enter_chdir(struct syscall_trace_enter *ctx)
{
	const char *path;
	struct event *event;

	if (gadget_should_discard_data_current())
		return 0;
	event = gadget_reserve_buf(&events, sizeof(*event));
	if (!event)
		return 0;
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	gadget_process_populate(&event->proc);
	path = (const char *)ctx->args[0];
	if (bpf_probe_read_user_str(event->path, sizeof(event->path), path) < 0)
		event->path[0] = '\0';
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
