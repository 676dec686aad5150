// SPDX-License-Identifier: GPL-2.0-only

/*
 * How long connections of TCP take to the other end and back: a histogram of the smoothed
 * round-trip time, which counts each segment that an established connection receives.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <gadget/bits.bpf.h>
#include <gadget/macros.h>
#include <gadget/mapiter.h>
#include <gadget/types.h>

/* The last slot has everything from 67 seconds on. */
#define SLOTS 27

/* The kernel keeps eight times the smoothed time. */
#define SRTT_SHIFT 3

struct hist_key {
	__u32 __unused;
};

struct hist_value {
	gadget_histogram_slot__u32 latency[SLOTS];
};

const volatile __u16 targ_sport = 0;
const volatile __u16 targ_dport = 0;
const volatile bool targ_ms = false;

GADGET_PARAM(targ_sport);
GADGET_PARAM(targ_dport);
GADGET_PARAM(targ_ms);

GADGET_MAPITER_MAP(hists, hist_key, hist_value, 1);
GADGET_MAPITER(tcprtt, hists);

const struct hist_value empty = {};

/* Arguments: the socket that receives a segment, and the segment. */
SEC("raw_tracepoint/tcp_probe")
int segment_received(struct bpf_raw_tracepoint_args *ctx)
{
	struct sock *sk = (struct sock *)ctx->args[0];
	struct hist_key key = {};
	struct hist_value *hist;
	__u32 time;
	__u64 slot;

	if (targ_sport && targ_sport != BPF_CORE_READ(sk, __sk_common.skc_num))
		return 0;
	if (targ_dport && targ_dport != bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport)))
		return 0;
	time = BPF_CORE_READ((struct tcp_sock *)sk, srtt_us) >> SRTT_SHIFT;
	if (targ_ms)
		time /= 1000;
	slot = gadget_histogram_slot(time, SLOTS);
	hist = gadget_entry(&hists, &key, &empty);
	if (hist)
		__sync_fetch_and_add(&hist->latency[slot], 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
