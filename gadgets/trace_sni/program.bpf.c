// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for every TLS client that names the server that it connects to. Its hello
 * may be spread over several segments of TCP and several records of TLS: the segments
 * are put together until it is whole.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define GADGET_TYPE_NETWORKING

#include <gadget/buffer.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/packet.h>
#include <gadget/sockets-map.h>
#include <gadget/types.h>

/* The most of a hello that is looked at; a power of two. */
#define MAX_HELLO      4096
#define MAX_RECORDS    16
#define MAX_EXTENSIONS 64
#define MAX_NAME       256

/* A record: its type, version and length; then a message: its type and length. */
#define RECORD_HANDSHAKE 0x16
#define RECORD_HEADER    5
#define CLIENT_HELLO     1
#define MESSAGE_HEADER   4

/* Behind the version and the random bytes of a hello. */
#define SESSION_OFFSET 38
#define SERVER_NAME    0

#define TCP_SEQUENCE_OFFSET 4

struct event {
	gadget_timestamp timestamp_raw;
	gadget_netns_id netns_id;
	__u32 __unused;
	struct gadget_process proc;
	struct gadget_l4endpoint_t src;
	struct gadget_l4endpoint_t dst;
	char name[MAX_NAME];
};

GADGET_TRACER_MAP(events, 256 * 1024);

GADGET_TRACER(sni, events, event);

/* One direction of a connection, at the place where its packets are seen. */
struct tls_flow {
	struct gadget_l4endpoint_t src;
	struct gadget_l4endpoint_t dst;
	__u32 netns;
	__u32 ifindex;
	__u32 way;
	__u32 __unused;
};

/* What was sent so far; twice as long for the verifier, which does not track sums. */
struct tls_stream {
	__u32 next; /* the sequence number that goes on */
	__u32 len;
	__u8 data[2 * MAX_HELLO];
};

/* The hellos that are not complete yet. Those that are not continued are evicted. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 512);
	__type(key, struct tls_flow);
	__type(value, struct tls_stream);
} streams SEC(".maps");

/* 0: the first segment of a hello. 1: a hello without the headers of records. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct tls_stream);
} scratch SEC(".maps");

static __always_inline __u8 byte(const struct tls_stream *s, __u32 off)
{
	return s->data[off & (MAX_HELLO - 1)];
}

static __always_inline __u32 half(const struct tls_stream *s, __u32 off)
{
	return byte(s, off) << 8 | byte(s, off + 1);
}

/* Appends the payload of a packet. */
static __always_inline void append(const struct __sk_buff *skb, const struct gadget_packet *packet,
				   struct tls_stream *s)
{
	__u32 len = packet->end - packet->payload, at = s->len;

	s->next += len;
	if (at >= MAX_HELLO)
		return;
	if (len > MAX_HELLO - at)
		len = MAX_HELLO - at;
	if (!len)
		return;
	/* Kernels before 5.15 learn nothing from a comparison with zero. */
	len--;
	barrier_var(len);
	len &= MAX_HELLO - 1;
	len++;
	if (!bpf_skb_load_bytes(skb, packet->payload, &s->data[at & (MAX_HELLO - 1)], len))
		s->len = at + len;
}

/* Puts what is in the records of *s into *hello. False if there is more to come. */
static __always_inline bool unpack(const struct tls_stream *s, struct tls_stream *hello)
{
	__u32 off = 0, len, part;

	hello->len = 0;
	for (int i = 0; i < MAX_RECORDS; i++) {
		if (off + RECORD_HEADER > s->len)
			return s->len >= MAX_HELLO;
		if (byte(s, off) != RECORD_HANDSHAKE)
			return true; /* broken: what there is counts */
		len = half(s, off + 3);
		off += RECORD_HEADER;
		part = len;
		if (part > s->len - off)
			part = s->len - off;
		if (part > MAX_HELLO - hello->len)
			part = MAX_HELLO - hello->len;
		barrier_var(part);
		if (part > MAX_HELLO)
			return true;
		bpf_probe_read_kernel(&hello->data[hello->len & (MAX_HELLO - 1)], part,
				      &s->data[off & (MAX_HELLO - 1)]);
		hello->len += part;
		if (hello->len >= MESSAGE_HEADER &&
		    hello->len >= MESSAGE_HEADER + (byte(hello, 1) << 16 | half(hello, 2)))
			return true;
		off += len;
		if (off > MAX_HELLO)
			break;
	}
	return hello->len >= MAX_HELLO || s->len >= MAX_HELLO;
}

/* The offset of the server's name and its length, 0 where a hello has none. */
static __always_inline __u32 find_name(const struct tls_stream *s, __u32 *size)
{
	__u32 off = SESSION_OFFSET, end, len;

	if (byte(s, 0) != CLIENT_HELLO)
		return 0;
	off += 1 + byte(s, off); /* the session, ciphers, compressions */
	off += 2 + half(s, off);
	if (off >= s->len)
		return 0;
	off += 1 + byte(s, off);
	end = off + 2 + half(s, off);
	if (end > s->len)
		end = s->len;
	off += 2;
	for (int i = 0; i < MAX_EXTENSIONS; i++) {
		if (off + 4 > end)
			return 0;
		len = half(s, off + 2);
		if (half(s, off) == SERVER_NAME) {
			/* A list, of which the first entry is the name of a host. */
			*size = half(s, off + 7);
			if (byte(s, off + 6) || *size + 5 > len || off + 4 + len > end)
				return 0;
			return off + 9;
		}
		off += 4 + len;
	}
	return 0;
}

static __always_inline void send(struct __sk_buff *skb, const struct gadget_packet *packet,
				 const struct tls_stream *hello,
				 const struct gadget_socket_value *owner)
{
	struct event *event;
	__u32 size = 0, off = find_name(hello, &size);

	if (!off || !size)
		return;
	event = gadget_reserve_buf(&events, sizeof(*event));
	if (!event)
		return;
	__builtin_memset(event, 0, sizeof(*event));
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	event->netns_id = skb->cb[0];
	event->src = packet->src;
	event->dst = packet->dst;
	gadget_process_populate_from_socket(owner, &event->proc);
	if (size > MAX_NAME - 1)
		size = MAX_NAME - 1;
	barrier_var(size);
	size &= MAX_NAME - 1;
	bpf_probe_read_kernel(event->name, size, &hello->data[off & (MAX_HELLO - 1)]);
	gadget_submit_buf(skb, &events, event, sizeof(*event));
}

/* Whether a packet begins with a hello. */
static __always_inline bool begins(const struct __sk_buff *skb, const struct gadget_packet *packet)
{
	__u8 head[RECORD_HEADER + 1];

	if (packet->end - packet->payload < sizeof(head) ||
	    bpf_skb_load_bytes(skb, packet->payload, head, sizeof(head)))
		return false;
	return head[0] == RECORD_HANDSHAKE && head[1] == 3 && head[RECORD_HEADER] == CLIENT_HELLO;
}

static __always_inline void handle(struct __sk_buff *skb, const struct gadget_packet *packet,
				   struct tls_flow *flow, __u32 sequence)
{
	struct gadget_socket_value *owner;
	struct tls_stream *known, *s, *hello;
	__u32 first = 0, second = 1;

	known = s = bpf_map_lookup_elem(&streams, flow);
	if (!s && !begins(skb, packet))
		return;
	owner = gadget_socket_lookup(skb);
	if (gadget_should_discard_data_by_skb(owner))
		return;
	hello = bpf_map_lookup_elem(&scratch, &second);
	if (s && s->next != sequence) {
		/* Sent again, or out of order; or another connection with the same ends. */
		if (!begins(skb, packet))
			return;
		s = NULL;
	}
	if (!s) {
		s = bpf_map_lookup_elem(&scratch, &first);
		if (!s)
			return;
		s->next = sequence;
		s->len = 0;
	}
	if (!hello)
		return;
	append(skb, packet, s);
	if (!unpack(s, hello)) {
		if (s != known)
			bpf_map_update_elem(&streams, flow, s, BPF_ANY);
		return;
	}
	if (known)
		bpf_map_delete_elem(&streams, flow);
	send(skb, packet, hello, owner);
}

SEC("socket1")
int trace_sni(struct __sk_buff *skb)
{
	struct gadget_packet packet;
	struct tls_flow flow;
	__be32 sequence;

	if (!gadget_packet_parse(skb, &packet) || packet.payload == packet.end ||
	    packet.src.proto_raw != GADGET_SE_NEXTHDR_TCP)
		return 0;
	if (bpf_skb_load_bytes(skb, packet.header + TCP_SEQUENCE_OFFSET, &sequence,
			       sizeof(sequence)))
		return 0;
	__builtin_memset(&flow, 0, sizeof(flow));
	flow.src = packet.src;
	flow.dst = packet.dst;
	flow.netns = skb->cb[0];
	flow.ifindex = skb->ifindex;
	flow.way = skb->pkt_type;
	handle(skb, &packet, &flow, bpf_ntohl(sequence));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
