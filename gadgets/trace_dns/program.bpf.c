// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for every packet with a message of DNS. The content of the message is decoded
 * by program.go, which gets the packet behind the event.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define GADGET_TYPE_NETWORKING

#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/packet.h>
#include <gadget/sockets-map.h>
#include <gadget/types.h>

#define PATH_LENGTH 512

/* DNS, and multicast DNS. */
#define PORT_DNS  53
#define PORT_MDNS 5353

/* The most of a packet that goes to program.go. */
#define MAX_DATA 16384

/* An answer that comes later than this belongs to another question. */
#define MAX_LATENCY (60 * 1000000000ULL)

#define RESPONSE   0x8000
#define MAX_OPCODE 6

struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_l4endpoint_t src;
	struct gadget_l4endpoint_t dst;
	struct gadget_l3endpoint_t nameserver;
	struct gadget_process proc;
	gadget_netns_id netns_id;
	__u32 data_len;
	gadget_duration latency_ns_raw;
	__u16 dns_off;
	enum gadget_packet_type pkt_type_raw;
	char cwd[PATH_LENGTH];
	char exepath[PATH_LENGTH];
};

/* The beginning of a message. */
struct header {
	__be16 id;
	__be16 flags;
	__be16 questions;
	__be16 counts[3];
};

/* A question: who asked, and the number that they gave it. */
struct question {
	struct gadget_l4endpoint_t client;
	__u32 netns;
	__u16 id;
};

/* When the last questions were sent that have no answer yet. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct question);
	__type(value, __u64);
} questions SEC(".maps");

/* An event has more bytes than the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct event);
} scratch SEC(".maps");

/* Of this kind, since the packet goes behind the event. */
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} events SEC(".maps");

GADGET_TRACER(dns, events, event);

const volatile bool paths = false;

GADGET_PARAM(paths);

static __always_inline bool is_dns_port(__u16 port)
{
	return port == PORT_DNS || port == PORT_MDNS;
}

/*
 * Where the message begins, 0 where the packet has none. One of TCP follows its
 * length; what follows in later segments looks like anything else.
 */
static __always_inline __u32 find(struct __sk_buff *skb, const struct gadget_packet *packet,
				  struct header *header)
{
	bool tcp = packet->src.proto_raw == GADGET_SE_NEXTHDR_TCP;
	__u32 off = packet->payload + (tcp ? sizeof(__be16) : 0);
	__be16 length;

	if (off + sizeof(*header) > packet->end ||
	    bpf_skb_load_bytes(skb, off, header, sizeof(*header)))
		return 0;
	if (tcp) {
		if (bpf_skb_load_bytes(skb, packet->payload, &length, sizeof(length)))
			return 0;
		if (bpf_ntohs(length) < sizeof(*header) || bpf_ntohs(header->questions) > 1 ||
		    (bpf_ntohs(header->flags) >> 11 & 0xf) > MAX_OPCODE)
			return 0;
	}
	return off;
}

/* Notes when a question was sent, and returns how long ago for its answer, or 0. */
static __always_inline __u64 latency(const struct event *event, const struct header *header)
{
	bool response = bpf_ntohs(header->flags) & RESPONSE;
	struct question key = {};
	__u64 now = event->timestamp_raw, *sent, ns;

	key.client = response ? event->dst : event->src;
	key.netns = event->netns_id;
	key.id = header->id;
	sent = bpf_map_lookup_elem(&questions, &key);
	ns = sent && *sent < now ? now - *sent : 0;
	if (!response && event->pkt_type_raw == OUTGOING) {
		/* One that is sent again is still the same question. */
		if (!sent || ns > MAX_LATENCY)
			bpf_map_update_elem(&questions, &key, &now, BPF_ANY);
		return 0;
	}
	if (!response || event->pkt_type_raw != HOST || !sent)
		return 0;
	bpf_map_delete_elem(&questions, &key);
	return ns > MAX_LATENCY ? 0 : ns;
}

/* A runner may know where the owner of the socket is and what it runs. */
static __always_inline void set_paths(struct event *event, const struct gadget_socket_value *owner)
{
	__u32 size;

	if (bpf_core_field_exists(owner->cwd)) {
		size = bpf_core_field_size(owner->cwd);
		bpf_probe_read_kernel_str(event->cwd, size < PATH_LENGTH ? size : PATH_LENGTH,
					  owner->cwd);
	}
	if (bpf_core_field_exists(owner->exepath)) {
		size = bpf_core_field_size(owner->exepath);
		bpf_probe_read_kernel_str(event->exepath, size < PATH_LENGTH ? size : PATH_LENGTH,
					  owner->exepath);
	}
}

SEC("socket1")
int trace_dns(struct __sk_buff *skb)
{
	struct gadget_socket_value *owner;
	struct gadget_packet packet;
	struct header header;
	struct event *event;
	__u32 zero = 0, off;
	__u64 len;

	if (!gadget_packet_parse(skb, &packet) ||
	    (!is_dns_port(packet.src.port) && !is_dns_port(packet.dst.port)))
		return 0;
	off = find(skb, &packet, &header);
	if (!off)
		return 0;
	owner = gadget_socket_lookup(skb);
	if (gadget_should_discard_data_by_skb(owner))
		return 0;
	event = bpf_map_lookup_elem(&scratch, &zero);
	if (!event)
		return 0; /* it has this entry */

	__builtin_memset(event, 0, __builtin_offsetof(struct event, cwd));
	event->cwd[0] = event->exepath[0] = '\0';
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	event->netns_id = skb->cb[0];
	event->pkt_type_raw = skb->pkt_type;
	event->src = packet.src;
	event->dst = packet.dst;
	event->dns_off = off;
	event->nameserver.version = packet.src.version;
	if (bpf_ntohs(header.flags) & RESPONSE)
		event->nameserver.addr_raw = packet.src.addr_raw;
	else
		event->nameserver.addr_raw = packet.dst.addr_raw;
	event->latency_ns_raw = latency(event, &header);
	gadget_process_populate_from_socket(owner, &event->proc);
	if (paths && owner)
		set_paths(event, owner);

	len = packet.end < MAX_DATA ? packet.end : MAX_DATA;
	event->data_len = len;
	bpf_perf_event_output(skb, &events, len << 32 | BPF_F_CURRENT_CPU, event, sizeof(*event));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
