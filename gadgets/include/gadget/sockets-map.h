/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/*
 * Whose packet is it? The runner keeps gadget_sockets filled with the owners of
 * sockets. Define GADGET_TYPE_NETWORKING in programs that see packets, or
 * GADGET_TYPE_TRACING in those that see sockets, before this header.
 *
 * Network programs may be built on the uapi headers instead of vmlinux.h; what
 * the two define differently is spelled out here under a prefix.
 */

#ifndef __GADGET_SOCKETS_MAP_H
#define __GADGET_SOCKETS_MAP_H

#if !defined(__VMLINUX_H__) && !defined(_LINUX_TYPES_H)
#error "include <vmlinux.h> or <linux/types.h> before <gadget/sockets-map.h>"
#endif

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <gadget/types.h>

#define GADGET_SE_AF_INET     2
#define GADGET_SE_AF_INET6    10
#define GADGET_SE_PACKET_HOST 0

#define GADGET_SE_ETH_HLEN         14
#define GADGET_SE_ETH_PROTO_OFFSET 12
#define GADGET_SE_ETH_P_IP         0x0800
#define GADGET_SE_ETH_P_IPV6       0x86DD

#define GADGET_SE_IPV4_FRAGMENT_OFFSET 6
#define GADGET_SE_IPV4_FRAGMENT_MASK   0x1fff
#define GADGET_SE_IPV4_PROTO_OFFSET    9

#define GADGET_SE_IPV6_HLEN           40
#define GADGET_SE_IPV6_NEXTHDR_OFFSET 6
#define GADGET_SE_IPV6_FRAGMENT_MASK  0xfff8
#define GADGET_SE_IPV6_MAX_EXTENSIONS 6

/* Both TCP and UDP begin with the source port, then the destination port. */
#define GADGET_SE_L4_SOURCE_OFFSET 0
#define GADGET_SE_L4_DEST_OFFSET   2

#define GADGET_SE_NEXTHDR_HOP      0
#define GADGET_SE_NEXTHDR_TCP      6
#define GADGET_SE_NEXTHDR_UDP      17
#define GADGET_SE_NEXTHDR_ROUTING  43
#define GADGET_SE_NEXTHDR_FRAGMENT 44
#define GADGET_SE_NEXTHDR_AUTH     51
#define GADGET_SE_NEXTHDR_DEST     60

/* A socket by its own end: port in host byte order, proto 6 (TCP) or 17 (UDP). */
struct gadget_socket_key {
	__u32 netns;
	__u16 family;
	__u8 proto;
	__u16 port;
};

#define GADGET_MAX_SOCKETS 16384

/* The owners of sockets; the runner fills it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GADGET_MAX_SOCKETS);
	__type(key, struct gadget_socket_key);
	__type(value, struct gadget_socket_value);
} gadget_sockets SEC(".maps");

/*
 * Looks up *key. An IPv4 packet may belong to an IPv6 socket, unless that is for
 * IPv6 only.
 */
static __always_inline struct gadget_socket_value *
__gadget_socket_find(struct gadget_socket_key *key)
{
	struct gadget_socket_value *owner = bpf_map_lookup_elem(&gadget_sockets, key);

	if (owner || key->family != GADGET_SE_AF_INET)
		return owner;

	key->family = GADGET_SE_AF_INET6;
	owner = bpf_map_lookup_elem(&gadget_sockets, key);
	return owner && !owner->ipv6only ? owner : NULL;
}

#ifdef GADGET_TYPE_NETWORKING

/* Where the ports are, and the protocol; negative if the packet has no ports. */
static __always_inline int __gadget_ipv4_ports(const struct __sk_buff *skb, __u8 *proto)
{
	__be16 fragment;
	__u8 first;

	if (bpf_skb_load_bytes(skb, GADGET_SE_ETH_HLEN, &first, sizeof(first)) ||
	    bpf_skb_load_bytes(skb, GADGET_SE_ETH_HLEN + GADGET_SE_IPV4_FRAGMENT_OFFSET, &fragment,
			       sizeof(fragment)) ||
	    bpf_skb_load_bytes(skb, GADGET_SE_ETH_HLEN + GADGET_SE_IPV4_PROTO_OFFSET, proto,
			       sizeof(*proto)))
		return -1;

	/* Only the first fragment has the ports. */
	if (bpf_ntohs(fragment) & GADGET_SE_IPV4_FRAGMENT_MASK)
		return -1;

	/* The length of the header: the low half of its first byte, in words. */
	return GADGET_SE_ETH_HLEN + (first & 0xf) * 4;
}

/* The length of the IPv6 extension header at `off`; negative if there is no way past it. */
static __always_inline int __gadget_ipv6_extension_len(const struct __sk_buff *skb, __u8 kind,
						       int off)
{
	/* Next header, length, and in a fragment header the fragment's offset. */
	__u8 head[4];

	if (bpf_skb_load_bytes(skb, off, head, sizeof(head)))
		return -1;

	switch (kind) {
	case GADGET_SE_NEXTHDR_HOP:
	case GADGET_SE_NEXTHDR_ROUTING:
	case GADGET_SE_NEXTHDR_DEST:
		return (head[1] + 1) * 8;
	case GADGET_SE_NEXTHDR_AUTH:
		return (head[1] + 2) * 4;
	case GADGET_SE_NEXTHDR_FRAGMENT:
		if (((head[2] << 8) | head[3]) & GADGET_SE_IPV6_FRAGMENT_MASK)
			return -1;
		return 8;
	default:
		return -1;
	}
}

/* As __gadget_ipv4_ports. */
static __always_inline int __gadget_ipv6_ports(const struct __sk_buff *skb, __u8 *proto)
{
	int off = GADGET_SE_ETH_HLEN + GADGET_SE_IPV6_HLEN;
	__u8 kind;

	if (bpf_skb_load_bytes(skb, GADGET_SE_ETH_HLEN + GADGET_SE_IPV6_NEXTHDR_OFFSET, &kind,
			       sizeof(kind)))
		return -1;

#pragma unroll
	for (int i = 0; i < GADGET_SE_IPV6_MAX_EXTENSIONS; i++) {
		__u8 next;
		int len;

		if (kind == GADGET_SE_NEXTHDR_TCP || kind == GADGET_SE_NEXTHDR_UDP)
			break;

		len = __gadget_ipv6_extension_len(skb, kind, off);
		if (len < 0 || bpf_skb_load_bytes(skb, off, &next, sizeof(next)))
			return -1;
		kind = next;
		off += len;
	}

	*proto = kind;
	return off;
}

/*
 * The owner of the packet's local end, or NULL. The runner's dispatcher has put
 * the network namespace in cb[0].
 */
static __always_inline struct gadget_socket_value *
gadget_socket_lookup_with_direction(const struct __sk_buff *skb, __u8 is_ingress)
{
	struct gadget_socket_key key = {};
	__be16 protocol, port;
	int off = -1;

	if (bpf_skb_load_bytes(skb, GADGET_SE_ETH_PROTO_OFFSET, &protocol, sizeof(protocol)))
		return NULL;

	if (protocol == bpf_htons(GADGET_SE_ETH_P_IP)) {
		key.family = GADGET_SE_AF_INET;
		off = __gadget_ipv4_ports(skb, &key.proto);
	} else if (protocol == bpf_htons(GADGET_SE_ETH_P_IPV6)) {
		key.family = GADGET_SE_AF_INET6;
		off = __gadget_ipv6_ports(skb, &key.proto);
	}
	if (off < 0)
		return NULL;
	if (key.proto != GADGET_SE_NEXTHDR_TCP && key.proto != GADGET_SE_NEXTHDR_UDP)
		return NULL;

	off += is_ingress ? GADGET_SE_L4_DEST_OFFSET : GADGET_SE_L4_SOURCE_OFFSET;
	if (bpf_skb_load_bytes(skb, off, &port, sizeof(port)))
		return NULL;

	key.netns = skb->cb[0];
	key.port = bpf_ntohs(port);
	return __gadget_socket_find(&key);
}

/*
 * The same for socket filters, where the type of the packet has its direction.
 * A tc program on a routed interface cannot trust it: it names the direction.
 */
static __always_inline struct gadget_socket_value *gadget_socket_lookup(const struct __sk_buff *skb)
{
	return gadget_socket_lookup_with_direction(skb, skb->pkt_type == GADGET_SE_PACKET_HOST);
}

#endif /* GADGET_TYPE_NETWORKING */

#ifdef GADGET_TYPE_TRACING

/* The owner of a socket of the given network namespace, or NULL. */
static __always_inline struct gadget_socket_value *gadget_socket_lookup(const struct sock *sk,
									__u32 netns)
{
	struct inet_sock *inet = (struct inet_sock *)sk;
	struct gadget_socket_key key = {};

	key.netns = netns;
	key.family = BPF_CORE_READ(sk, __sk_common.skc_family);
	/* A bit field before 5.6. */
	key.proto = BPF_CORE_READ_BITFIELD_PROBED(sk, sk_protocol);
	key.port = bpf_ntohs(BPF_CORE_READ(inet, inet_sport));

	if (key.proto != GADGET_SE_NEXTHDR_TCP && key.proto != GADGET_SE_NEXTHDR_UDP)
		return NULL;
	return bpf_map_lookup_elem(&gadget_sockets, &key);
}

/*
 * The owner of a socket of TCP or UDP of which only the local end is known, as of a
 * packet for it, or NULL.
 */
static __always_inline struct gadget_socket_value *
gadget_socket_lookup_local(const struct gadget_l4endpoint_t *local, __u32 netns)
{
	struct gadget_socket_key key = {};

	key.netns = netns;
	key.family = local->version == 4 ? GADGET_SE_AF_INET : GADGET_SE_AF_INET6;
	key.proto = local->proto_raw;
	key.port = local->port;
	return __gadget_socket_find(&key);
}

#endif /* GADGET_TYPE_TRACING */

/* Fills *p with the owner of a socket; leaves it alone where that is unknown. */
static __always_inline void
gadget_process_populate_from_socket(const struct gadget_socket_value *skb_val,
				    struct gadget_process *p)
{
	if (!skb_val)
		return;

	__builtin_memcpy(p->comm, skb_val->task, sizeof(p->comm));
	p->pid = skb_val->pid_tgid >> 32;
	p->tid = (__u32)skb_val->pid_tgid;
	p->mntns_id = skb_val->mntns;
	p->creds.uid = (__u32)skb_val->uid_gid;
	p->creds.gid = skb_val->uid_gid >> 32;

	__builtin_memcpy(p->parent.comm, skb_val->ptask, sizeof(p->parent.comm));
	p->parent.pid = skb_val->ppid;
	/* Enrichers did not always know the thread. */
	p->parent.tid = 0;
	if (bpf_core_field_exists(skb_val->ptid))
		p->parent.tid = skb_val->ptid;
}

#endif /* __GADGET_SOCKETS_MAP_H */
