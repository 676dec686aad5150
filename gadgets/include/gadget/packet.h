/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/*
 * The ends of a packet of TCP or UDP, and where its payload is. For network programs
 * (GADGET_TYPE_NETWORKING), whose packets begin with an Ethernet header.
 */

#ifndef __GADGET_PACKET_H
#define __GADGET_PACKET_H

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <gadget/sockets-map.h>
#include <gadget/types.h>

#define GADGET_TCP_FIN 0x01
#define GADGET_TCP_SYN 0x02
#define GADGET_TCP_RST 0x04
#define GADGET_TCP_ACK 0x10

/* From the headers of IPv4, IPv6, UDP and TCP. */
#define __GADGET_IPV4_LENGTH_OFFSET 2
#define __GADGET_IPV4_SOURCE_OFFSET 12
#define __GADGET_IPV6_LENGTH_OFFSET 4
#define __GADGET_IPV6_SOURCE_OFFSET 8
#define __GADGET_UDP_HLEN           8
#define __GADGET_TCP_WORDS_OFFSET   12

/* The kind of packet according to the kernel (linux/if_packet.h). */
enum gadget_packet_type : __u8 {
	HOST,
	BROADCAST,
	MULTICAST,
	OTHERHOST,
	OUTGOING,
	LOOPBACK,
	USER,
	KERNEL,
};

/* A packet of TCP or UDP. Ports are in host byte order. */
struct gadget_packet {
	struct gadget_l4endpoint_t src;
	struct gadget_l4endpoint_t dst;
	__u32 header;  /* the offset of the header of TCP or UDP */
	__u32 payload; /* the offset of what follows the header of TCP or UDP */
	__u32 end;     /* the offset of what follows the packet, which may be padded */
	__u8 tcp_flags;
};

static __always_inline __u32 __gadget_packet_end(const struct __sk_buff *skb, int off, __u32 before)
{
	__be16 length;

	if (bpf_skb_load_bytes(skb, GADGET_SE_ETH_HLEN + off, &length, sizeof(length)))
		return 0;
	before += GADGET_SE_ETH_HLEN + bpf_ntohs(length);
	/* Packets that were put together may be longer than the header can express. */
	return length && before < skb->len ? before : skb->len;
}

/* Where the ports are, 0 where the packet has none. */
static __always_inline int __gadget_packet_addresses(const struct __sk_buff *skb,
						     struct gadget_packet *p, __u8 *proto)
{
	__be16 protocol;
	int off;

	if (bpf_skb_load_bytes(skb, GADGET_SE_ETH_PROTO_OFFSET, &protocol, sizeof(protocol)))
		return 0;
	if (protocol == bpf_htons(GADGET_SE_ETH_P_IP)) {
		off = GADGET_SE_ETH_HLEN + __GADGET_IPV4_SOURCE_OFFSET;
		p->src.version = p->dst.version = 4;
		p->end = __gadget_packet_end(skb, __GADGET_IPV4_LENGTH_OFFSET, 0);
		if (bpf_skb_load_bytes(skb, off, &p->src.addr_raw.v4, 4) ||
		    bpf_skb_load_bytes(skb, off + 4, &p->dst.addr_raw.v4, 4))
			return 0;
		return __gadget_ipv4_ports(skb, proto);
	}
	if (protocol == bpf_htons(GADGET_SE_ETH_P_IPV6)) {
		off = GADGET_SE_ETH_HLEN + __GADGET_IPV6_SOURCE_OFFSET;
		p->src.version = p->dst.version = 6;
		p->end = __gadget_packet_end(skb, __GADGET_IPV6_LENGTH_OFFSET, GADGET_SE_IPV6_HLEN);
		if (bpf_skb_load_bytes(skb, off, p->src.addr_raw.v6, 16) ||
		    bpf_skb_load_bytes(skb, off + 16, p->dst.addr_raw.v6, 16))
			return 0;
		return __gadget_ipv6_ports(skb, proto);
	}
	return 0;
}

/*
 * Fills *p, every byte of which is written. False for what is not a TCP or UDP packet,
 * is cut off, or is a fragment other than the first.
 */
static __always_inline bool gadget_packet_parse(const struct __sk_buff *skb,
						struct gadget_packet *p)
{
	__u8 proto = 0, tcp[2];
	__be16 ports[2];
	int off;

	__builtin_memset(p, 0, sizeof(*p));
	off = __gadget_packet_addresses(skb, p, &proto);
	if (off <= 0 || (proto != GADGET_SE_NEXTHDR_TCP && proto != GADGET_SE_NEXTHDR_UDP))
		return false;
	if (bpf_skb_load_bytes(skb, off, ports, sizeof(ports)))
		return false;
	p->src.port = bpf_ntohs(ports[0]);
	p->dst.port = bpf_ntohs(ports[1]);
	p->src.proto_raw = p->dst.proto_raw = proto;
	p->header = off;
	p->payload = off + __GADGET_UDP_HLEN;
	if (proto == GADGET_SE_NEXTHDR_TCP) {
		if (bpf_skb_load_bytes(skb, off + __GADGET_TCP_WORDS_OFFSET, tcp, sizeof(tcp)))
			return false;
		p->payload = off + (tcp[0] >> 4) * 4;
		p->tcp_flags = tcp[1];
	}
	return p->payload <= p->end;
}

#endif /* __GADGET_PACKET_H */
