// SPDX-License-Identifier: GPL-2.0-only

/* How long block devices take: a histogram from the issue of a request to its end. */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/bits.bpf.h>
#include <gadget/blockio.h>
#include <gadget/macros.h>
#include <gadget/mapiter.h>
#include <gadget/types.h>

/* The last slot has everything from 67 seconds on. */
#define SLOTS 27

struct hist_key {
	__u32 __unused;
};

struct hist_value {
	gadget_histogram_slot__u32 latency[SLOTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GADGET_BLOCKIO_MAX);
	__type(key, __u64);
	__type(value, __u64);
} starts SEC(".maps");

GADGET_MAPITER_MAP(hists, hist_key, hist_value, 1);
GADGET_MAPITER(blockio, hists);

const struct hist_value empty = {};

SEC("raw_tracepoint/block_rq_issue")
int io_issue(struct bpf_raw_tracepoint_args *ctx)
{
	struct request *rq = (struct request *)ctx->args[0];
	__u64 now = bpf_ktime_get_ns();
	__u64 request = (__u64)rq;

	if (!gadget_blockio_is_request(rq)) {
		gadget_lost(&hists);
		return 0;
	}
	if (!gadget_blockio_bytes(rq))
		return 0;
	if (bpf_map_update_elem(&starts, &request, &now, BPF_ANY))
		gadget_lost(&hists);
	return 0;
}

SEC("raw_tracepoint/block_rq_complete")
int io_complete(struct bpf_raw_tracepoint_args *ctx)
{
	struct request *rq = (struct request *)ctx->args[0];
	__u32 bytes = ctx->args[2];
	struct hist_key key = {};
	struct hist_value *hist;
	__u64 request = (__u64)rq;
	__u64 *start, us, slot;

	/* A request may end in parts: the last one counts. */
	if (bytes < gadget_blockio_bytes(rq))
		return 0;
	start = bpf_map_lookup_elem(&starts, &request);
	if (!start)
		return 0;

	us = (bpf_ktime_get_ns() - *start) / 1000;
	bpf_map_delete_elem(&starts, &request);
	slot = gadget_histogram_slot(us, SLOTS);
	hist = gadget_entry(&hists, &key, &empty);
	if (hist)
		__sync_fetch_and_add(&hist->latency[slot], 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
