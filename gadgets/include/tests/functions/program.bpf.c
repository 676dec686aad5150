// SPDX-License-Identifier: GPL-2.0-only

/*
 * Not a gadget to run: every header that tracing gadgets may include, together,
 * and the functions that a test can call. A socket filter is a program that the
 * kernel runs on request; its input and output are globals.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define GPU_BRIDGE_WANT_ALL
#define GADGET_TYPE_TRACING

#include <gadget/bits.bpf.h>
#include <gadget/buffer.h>
#include <gadget/common.h>
#include <gadget/core_fixes.bpf.h>
#include <gadget/filesystem.h>
#include <gadget/filter.h>
#include <gadget/fnv1a.h>
#include <gadget/gpu_bridge_maps.h>
#include <gadget/kernel_stack_map.h>
#include <gadget/macros.h>
#include <gadget/maps.bpf.h>
#include <gadget/mntns.h>
#include <gadget/mntns_filter.h>
#include <gadget/sockets-map.h>
#include <gadget/types.h>
#include <gadget/user_stack_map.h>

__u64 input;
__u64 slot;
__u32 hash32_u8, hash32_u16, hash32_u32, hash32_u64;
__u64 hash64_u8, hash64_u16, hash64_u32, hash64_u64;

SEC("socket")
int numbers(struct __sk_buff *skb)
{
	slot = get_slot_idx(input);

	hash32_u8 = hash32_u16 = hash32_u32 = hash32_u64 = fnv_32a_init();
	fnv_32a_update_u8(&hash32_u8, input);
	fnv_32a_update_u16(&hash32_u16, input);
	fnv_32a_update_u32(&hash32_u32, input);
	fnv_32a_update_u64(&hash32_u64, input);

	hash64_u8 = hash64_u16 = hash64_u32 = hash64_u64 = fnv_64a_init();
	fnv_64a_update_u8(&hash64_u8, input);
	fnv_64a_update_u16(&hash64_u16, input);
	fnv_64a_update_u32(&hash64_u32, input);
	fnv_64a_update_u64(&hash64_u64, input);
	return 0;
}

struct gadget_process asked;

SEC("socket")
int filtered(struct __sk_buff *skb)
{
	return gadget_should_discard_data(asked.mntns_id, asked.pid, asked.tid, asked.comm,
					  asked.creds.uid, asked.creds.gid);
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u64);
} counters SEC(".maps");

/* How often this was called with the same input; 0 where there is no room. */
SEC("socket")
int counted(struct __sk_buff *skb)
{
	__u64 key = input, none = 0;
	__u64 *count = bpf_map_lookup_or_try_init(&counters, &key, &none);

	return count ? ++*count : 0;
}

/* Both ways of sending, until the buffer is full. */
struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;
	gadget_kernel_stack kstack_raw;
	__u32 __unused;
	struct gadget_user_stack ustack;
};

GADGET_TRACER_MAP(events, 4096);
GADGET_TRACER(test, events, event);

SEC("raw_tracepoint/sys_enter")
int reserve(struct bpf_raw_tracepoint_args *ctx)
{
	struct event *event;

	if (gadget_should_discard_data_current())
		return 0;

	event = gadget_reserve_buf(&events, sizeof(*event));
	if (!event)
		return 0;

	event->timestamp_raw = bpf_ktime_get_boot_ns();
	event->kstack_raw = gadget_get_kernel_stack(ctx);
	event->__unused = 0;
	gadget_process_populate(&event->proc);
	gadget_get_user_stack_from_tracepoint(ctx, &event->ustack);
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
	return 1;
}

SEC("raw_tracepoint/sys_enter")
int discard(struct bpf_raw_tracepoint_args *ctx)
{
	struct event *event = gadget_reserve_buf(&events, sizeof(*event));

	if (!event)
		return 0;
	gadget_discard_buf(event);
	return 1;
}

SEC("raw_tracepoint/sys_enter")
int output(struct bpf_raw_tracepoint_args *ctx)
{
	struct event event = {.timestamp_raw = bpf_ktime_get_boot_ns()};

	gadget_process_populate(&event.proc);
	gadget_output_buf(ctx, &events, &event, sizeof(event));
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
