// SPDX-License-Identifier: GPL-2.0-only

/*
 * Which connections begin in each network namespace, that is in each pod: their other
 * end, the port of the server, and which of the two is the client. program.go makes policies
 * of them.
 */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

#define GADGET_TYPE_NETWORKING

#include <gadget/macros.h>
#include <gadget/mapiter.h>
#include <gadget/packet.h>
#include <gadget/sockets-map.h>
#include <gadget/types.h>

/* The loopback interface of every network namespace. */
#define LOOPBACK_IFINDEX 1

/* Below are ports that only servers have. */
#define FIRST_USER_PORT 1024

#define MAX_CONNECTIONS   10240
#define MAX_CONVERSATIONS 16384

/* The other end, with the port of the server, and the address of the namespace's own. */
struct network_connection {
	gadget_netns_id netns_id;
	struct gadget_l4endpoint_t endpoint;
	struct gadget_l3endpoint_t local;
	__u8 egress;
};

/* How often it was made since the map was read. */
struct connection_count {
	__u64 connections;
};

GADGET_MAPITER_MAP(connections, network_connection, connection_count, MAX_CONNECTIONS);
GADGET_MAPITER(network_connections, connections);

const struct connection_count no_connections = {};

/* Both ends of datagrams that go back and forth. */
struct conversation {
	__u32 netns;
	struct gadget_l4endpoint_t local;
	struct gadget_l4endpoint_t remote;
};

/* The conversations whose first datagram was seen. Old ones make room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_CONVERSATIONS);
	__type(key, struct conversation);
	__type(value, __u8);
} conversations SEC(".maps");

/*
 * Whether a datagram is the first of a conversation. Nothing in it shows that: if the
 * gadget starts in the middle of one, the answer of a server shows by its port.
 */
static __always_inline bool begins_conversation(const struct gadget_packet *packet, __u32 netns,
						bool egress)
{
	struct conversation key;
	__u8 seen = 1;

	__builtin_memset(&key, 0, sizeof(key));
	key.netns = netns;
	key.local = egress ? packet->src : packet->dst;
	key.remote = egress ? packet->dst : packet->src;
	if (bpf_map_lookup_elem(&conversations, &key))
		return false;
	bpf_map_update_elem(&conversations, &key, &seen, BPF_ANY);
	return packet->src.port >= FIRST_USER_PORT || packet->dst.port < FIRST_USER_PORT;
}

static __always_inline void set_address(struct gadget_l3endpoint_t *to,
					const struct gadget_l4endpoint_t *from)
{
	to->addr_raw = from->addr_raw;
	to->version = from->version;
}

SEC("socket1")
int advise_networkpolicy(struct __sk_buff *skb)
{
	bool egress = skb->pkt_type == OUTGOING;
	struct connection_count *count;
	struct gadget_packet packet;
	struct network_connection key;

	/* No policy keeps a pod from itself. */
	if ((!egress && skb->pkt_type != HOST) || skb->ifindex == LOOPBACK_IFINDEX ||
	    !gadget_packet_parse(skb, &packet))
		return 0;
	if (packet.src.proto_raw == GADGET_SE_NEXTHDR_TCP) {
		if ((packet.tcp_flags & (GADGET_TCP_SYN | GADGET_TCP_ACK)) != GADGET_TCP_SYN)
			return 0;
	} else if (!begins_conversation(&packet, skb->cb[0], egress)) {
		return 0;
	}

	__builtin_memset(&key, 0, sizeof(key));
	key.netns_id = skb->cb[0];
	key.endpoint = egress ? packet.dst : packet.src;
	key.endpoint.port = packet.dst.port;
	set_address(&key.local, egress ? &packet.src : &packet.dst);
	key.egress = egress;
	count = gadget_entry(&connections, &key, &no_connections);
	if (count)
		__sync_fetch_and_add(&count->connections, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
