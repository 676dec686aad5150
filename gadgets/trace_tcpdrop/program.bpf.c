// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for every packet of TCP that the kernel drops with a reason. A packet that
 * comes in often has no socket yet: its ends are then those of its headers.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define GADGET_TYPE_TRACING

#include <gadget/buffer.h>
#include <gadget/core_fixes.bpf.h>
#include <gadget/filter.h>
#include <gadget/kernel_stack_map.h>
#include <gadget/macros.h>
#include <gadget/sockets-map.h>
#include <gadget/sockets.h>
#include <gadget/tcp.h>
#include <gadget/types.h>

/* From the uapi header if_ether.h; the last one is no offset yet (linux/skbuff.h). */
#define ETH_P_IP     0x0800
#define ETH_P_IPV6   0x86dd
#define UNSET_OFFSET 0xffff

/* Where the flags are in the header of TCP. */
#define TCP_FLAGS_OFFSET 13

struct event {
	gadget_timestamp timestamp_raw;
	gadget_netns_id netns_id;
	__u32 __unused;
	gadget_mntns_id mount_ns_id;
	gadget_comm comm[TASK_COMM_LEN];
	gadget_pid pid;
	gadget_tid tid;
	gadget_uid uid;
	gadget_gid gid;
	enum tcp_state state_raw;
	enum tcpflags_set tcpflags_raw;
	__u8 __unused2[2];
	enum skb_drop_reason reason_raw;
	gadget_kernel_stack kernel_stack_raw;
	struct gadget_l4endpoint_t src;
	struct gadget_l4endpoint_t dst;
};

GADGET_TRACER_MAP(events, 256 * 1024);

GADGET_TRACER(tcpdrop, events, event);

/* The record of the tracepoint has the socket that was to get the packet since 6.11. */
struct trace_event_raw_kfree_skb___x {
	void *rx_sk;
} __attribute__((preserve_access_index));

/* A packet, and the socket that it is of or for, or NULL. */
struct dropped {
	struct sk_buff *skb;
	struct sock *sk;
	void *network; /* the headers, or NULL */
	void *transport;
	struct gadget_l4endpoint_t src;
	struct gadget_l4endpoint_t dst;
	__u32 netns;
	__u8 state;
};

/* A connection before it is accepted or after it has ended is not a full socket. */
static __always_inline bool is_whole(struct sock *sk)
{
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	return state != tcp_time_wait && state != tcp_new_syn_recv;
}

/* Finds the headers. False for what is not of TCP. */
static __always_inline bool find(struct dropped *d)
{
	struct sk_buff *skb = d->skb;
	struct sock *sk = d->sk;
	__u16 protocol = bpf_ntohs(BPF_CORE_READ(skb, protocol));
	__u16 transport = BPF_CORE_READ(skb, transport_header);
	void *head = BPF_CORE_READ(skb, head);
	void *network = NULL;
	__u8 next;

	if (sk && !gadget_sock_is_ip(sk))
		return false;
	if (transport != UNSET_OFFSET && (protocol == ETH_P_IP || protocol == ETH_P_IPV6)) {
		d->network = network = head + BPF_CORE_READ(skb, network_header);
		d->transport = head + transport;
	}
	if (sk && is_whole(sk))
		return BPF_CORE_READ_BITFIELD_PROBED(sk, sk_protocol) == GADGET_IPPROTO_TCP;
	if (!network || network == d->transport)
		return false;
	if (protocol == ETH_P_IP)
		next = BPF_CORE_READ((struct iphdr *)network, protocol);
	else
		next = BPF_CORE_READ((struct ipv6hdr *)network, nexthdr);
	return next == GADGET_IPPROTO_TCP;
}

/* The ends of a packet without a socket: it was to come in. */
static __always_inline void ends_of_headers(struct dropped *d)
{
	struct ipv6hdr *v6 = d->network;
	struct iphdr *v4 = d->network;
	struct tcphdr *tcp = d->transport;

	d->src.port = bpf_ntohs(BPF_CORE_READ(tcp, dest));
	d->dst.port = bpf_ntohs(BPF_CORE_READ(tcp, source));
	if (BPF_CORE_READ_BITFIELD_PROBED(v4, version) == 4) {
		gadget_set_v4(&d->src, BPF_CORE_READ(v4, daddr));
		gadget_set_v4(&d->dst, BPF_CORE_READ(v4, saddr));
	} else {
		gadget_set_v6(&d->src, &v6->daddr);
		gadget_set_v6(&d->dst, &v6->saddr);
	}
}

static __always_inline void ends_of_socket(struct dropped *d)
{
	struct sock *sk = d->sk;

	gadget_sock_local(sk, &d->src);
	gadget_sock_remote(sk, &d->dst);
	/* A socket that closes has given its port back. */
	if (!d->src.port && is_whole(sk))
		d->src.port = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
}

static __always_inline void look(struct dropped *d)
{
	struct sk_buff *skb = d->skb;
	struct sock *sk = d->sk;

	if (sk) {
		d->state = BPF_CORE_READ(sk, __sk_common.skc_state);
		d->netns = gadget_sock_netns(sk);
	} else {
		d->netns = BPF_CORE_READ(skb, dev, nd_net.net, ns.inum);
	}
	/* A socket that listens has no remote end. */
	if (sk && (d->state != tcp_listen || !d->transport))
		ends_of_socket(d);
	else
		ends_of_headers(d);
	d->src.proto_raw = d->dst.proto_raw = GADGET_IPPROTO_TCP;
}

static __always_inline __u8 flags_of(const struct dropped *d)
{
	struct sk_buff *skb = d->skb;
	struct tcp_skb_cb *cb = (struct tcp_skb_cb *)&skb->cb[0];
	__u8 flags = 0;

	if (!d->transport)
		return BPF_CORE_READ(cb, tcp_flags);
	bpf_probe_read_kernel(&flags, sizeof(flags), d->transport + TCP_FLAGS_OFFSET);
	return flags;
}

static __always_inline void set_owner(struct event *event, const struct gadget_socket_value *owner)
{
	if (!owner)
		return;
	event->mount_ns_id = owner->mntns;
	__builtin_memcpy(event->comm, owner->task, sizeof(event->comm));
	event->pid = owner->pid_tgid >> 32;
	event->tid = (__u32)owner->pid_tgid;
	event->uid = (__u32)owner->uid_gid;
	event->gid = owner->uid_gid >> 32;
}

/*
 * What waits in a socket is dropped when the socket ends: the end of the other side, too,
 * which is no loss, unless it brought data.
 */
static __always_inline bool is_mere_end(struct sk_buff *skb, enum skb_drop_reason reason)
{
	if (!bpf_core_enum_value_exists(enum skb_drop_reason, SKB_DROP_REASON_QUEUE_PURGE) ||
	    reason != bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_QUEUE_PURGE))
		return false;
	return !BPF_CORE_READ(skb, len);
}

SEC("tracepoint/skb/kfree_skb")
int tcpdrop(struct trace_event_raw_kfree_skb *ctx)
{
	struct trace_event_raw_kfree_skb___x *now = (void *)ctx;
	struct sk_buff *skb = (struct sk_buff *)ctx->skbaddr;
	struct dropped d = {.skb = skb};
	enum skb_drop_reason reason = ctx->reason;
	struct gadget_socket_value *owner;
	struct event *event;

	if (reason <= bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_NOT_SPECIFIED) ||
	    is_mere_end(skb, reason))
		return 0;
	d.sk = BPF_CORE_READ(skb, sk);
	if (!d.sk && bpf_core_field_exists(now->rx_sk))
		d.sk = now->rx_sk;
	if (!find(&d))
		return 0;
	look(&d);
	owner = gadget_socket_lookup_local(&d.src, d.netns);
	if (gadget_should_discard_data_by_skb(owner))
		return 0;

	event = gadget_reserve_buf(&events, sizeof(*event));
	if (!event)
		return 0;
	__builtin_memset(event, 0, sizeof(*event));
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	event->netns_id = d.netns;
	event->state_raw = d.state;
	event->tcpflags_raw = flags_of(&d);
	event->reason_raw = reason;
	event->kernel_stack_raw = gadget_get_kernel_stack(ctx);
	event->src = d.src;
	event->dst = d.dst;
	set_owner(event, owner);
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
