// SPDX-License-Identifier: GPL-2.0-only

/*
 * How long packets wait in the queues of network interfaces: a histogram of the time
 * from the entry into a queue to the exit. A packet that is dropped meanwhile does not count.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/bits.bpf.h>
#include <gadget/macros.h>
#include <gadget/mapiter.h>
#include <gadget/types.h>

/* The last slot has everything from 67 seconds on. */
#define SLOTS 27

/* The most packets that leave a queue at once. */
#define MAX_BULK 64

struct hist_key {
	__u32 __unused;
};

struct hist_value {
	gadget_histogram_slot__u32 latency[SLOTS];
};

const volatile int ifindex = -1;
const volatile bool targ_ms = false;

GADGET_PARAM(ifindex);
GADGET_PARAM(targ_ms);

/* When packets entered a queue. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, __u64);
} starts SEC(".maps");

GADGET_MAPITER_MAP(hists, hist_key, hist_value, 1);
GADGET_MAPITER(qdisc, hists);

const struct hist_value empty = {};

/* Arguments: the queueing discipline, the queue of the device, the packet. */
SEC("raw_tracepoint/qdisc_enqueue")
int packet_enqueued(struct bpf_raw_tracepoint_args *ctx)
{
	const struct netdev_queue *queue = (const struct netdev_queue *)ctx->args[1];
	__u64 now = bpf_ktime_get_ns();
	__u64 packet = ctx->args[2];

	if (ifindex >= 0 && ifindex != BPF_CORE_READ(queue, dev, ifindex))
		return 0;
	if (bpf_map_update_elem(&starts, &packet, &now, BPF_ANY))
		gadget_lost(&hists);
	return 0;
}

/* Not static: the verifier looks at it once, not at each turn of the loop that calls it. */
__noinline int leaves(__u64 packet, __u64 now)
{
	__u64 *start = bpf_map_lookup_elem(&starts, &packet);
	struct hist_key key = {};
	struct hist_value *hist;
	__u64 time, slot;

	if (!start)
		return 0;
	time = *start < now ? (now - *start) / 1000 : 0;
	bpf_map_delete_elem(&starts, &packet);
	if (targ_ms)
		time /= 1000;
	slot = gadget_histogram_slot(time, SLOTS);
	hist = gadget_entry(&hists, &key, &empty);
	if (hist)
		__sync_fetch_and_add(&hist->latency[slot], 1);
	return 0;
}

/* Arguments: as above, but the number of packets before them, which are a list. */
SEC("raw_tracepoint/qdisc_dequeue")
int packets_dequeued(struct bpf_raw_tracepoint_args *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx->args[3];
	__u64 now = bpf_ktime_get_ns();

	for (int i = 0; i < MAX_BULK && skb; i++) {
		leaves((__u64)skb, now);
		skb = BPF_CORE_READ(skb, next);
	}
	return 0;
}

/* The queue was too long, or has ended. */
SEC("raw_tracepoint/kfree_skb")
int packet_dropped(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 packet = ctx->args[0];

	bpf_map_delete_elem(&starts, &packet);
	return 0;
}

/* The queue made other packets of it. */
SEC("raw_tracepoint/consume_skb")
int packet_consumed(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 packet = ctx->args[0];

	bpf_map_delete_elem(&starts, &packet);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
