/* SPDX-License-Identifier: GPL-2.0 */
/* The event that both gadgets emit, and how it is filled. */
#ifndef SHARED_PROCESS_EVENT_H
#define SHARED_PROCESS_EVENT_H

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <gadget/buffer.h>
#include <gadget/common.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/types.h>

struct process_event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;
};

GADGET_TRACER_MAP(events, 1024 * 64);

static __always_inline int emit_process(void *ctx)
{
	struct process_event *event;

	if (gadget_should_discard_data_current())
		return 0;
	event = gadget_reserve_buf(&events, sizeof(*event));
	if (!event)
		return 0;
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	gadget_process_populate(&event->proc);
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
	return 0;
}

#endif
