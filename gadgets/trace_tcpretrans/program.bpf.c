// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for every segment of TCP that is sent again. Most are sent from a
 * timer, so that the process is the owner of the socket according to the runner.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define GADGET_TYPE_TRACING

#include <gadget/buffer.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/sockets-map.h>
#include <gadget/sockets.h>
#include <gadget/tcp.h>
#include <gadget/types.h>

/* From the kernel's headers net/inet_connection_sock.h and linux/tcp.h. */
#define ICSK_TIME_LOSS_PROBE 5

enum retransmission : __u8 {
	RETRANS,
	LOSS,
};

struct event {
	gadget_timestamp timestamp_raw;
	gadget_netns_id netns_id;
	enum retransmission type_raw;
	enum tcp_state state_raw;
	enum tcpflags_set tcpflags_raw;
	__u8 __unused;
	struct gadget_process proc;
	__u8 __unused2[8];
	struct gadget_l4endpoint_t src;
	struct gadget_l4endpoint_t dst;
};

GADGET_TRACER_MAP(events, 256 * 1024);

GADGET_TRACER(tcpretrans, events, event);

/* What was sent again: there are more than registers for arguments. */
struct said {
	struct sock *sk; /* whose ends are those of the segment */
	struct sock *owner;
	enum retransmission type;
	__u8 flags;
};

static __always_inline int send(void *ctx, const struct said *said)
{
	gadget_netns_id netns = gadget_sock_netns(said->owner);
	struct gadget_socket_value *owner = gadget_socket_lookup(said->owner, netns);
	struct sock *sk = said->sk; /* said itself is no memory of the kernel's */
	struct event *event;

	if (gadget_should_discard_data_by_skb(owner))
		return 0;
	event = gadget_reserve_buf(&events, sizeof(*event));
	if (!event)
		return 0;

	__builtin_memset(event, 0, sizeof(*event));
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	event->netns_id = netns;
	event->type_raw = said->type;
	event->state_raw = BPF_CORE_READ(sk, __sk_common.skc_state);
	event->tcpflags_raw = said->flags;
	gadget_process_populate_from_socket(owner, &event->proc);
	gadget_sock_local(sk, &event->src);
	gadget_sock_remote(sk, &event->dst);
	/* A request has no more than the common part of a socket. */
	event->src.proto_raw = event->dst.proto_raw = GADGET_IPPROTO_TCP;
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
	return 0;
}

/*
 * A probe for the loss of the last segments is sent while its timer is the pending
 * one, and before the connection detects a loss.
 */
static __always_inline bool is_loss_probe(struct sock *sk)
{
	struct inet_connection_sock *icsk = (struct inet_connection_sock *)sk;

	return BPF_CORE_READ(icsk, icsk_pending) == ICSK_TIME_LOSS_PROBE &&
	       BPF_CORE_READ_BITFIELD_PROBED(icsk, icsk_ca_state) < TCP_CA_Recovery;
}

SEC("raw_tracepoint/tcp_retransmit_skb")
int retransmit_skb(struct bpf_raw_tracepoint_args *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx->args[1];
	struct tcp_skb_cb *cb = (struct tcp_skb_cb *)&skb->cb[0];
	struct said said = {.sk = (struct sock *)ctx->args[0]};

	said.owner = said.sk;
	said.type = is_loss_probe(said.sk) ? LOSS : RETRANS;
	said.flags = BPF_CORE_READ(cb, tcp_flags);
	return send(ctx, &said);
}

SEC("raw_tracepoint/tcp_retransmit_synack")
int retransmit_synack(struct bpf_raw_tracepoint_args *ctx)
{
	struct said said = {
		.sk = (struct sock *)ctx->args[1],
		.owner = (struct sock *)ctx->args[0],
		.type = RETRANS,
		.flags = SYN | ACK,
	};

	return send(ctx, &said);
}

char LICENSE[] SEC("license") = "GPL";
