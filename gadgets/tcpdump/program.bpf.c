// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for every packet that passes the filter, with the packet behind it. Packets
 * are seen where they enter the queues of a network interface and where they leave them.
 */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

#define GADGET_TYPE_NETWORKING

#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/packetfilter.h>
#include <gadget/sockets-map.h>
#include <gadget/types.h>

/* From the uapi header pkt_cls.h: other programs have their say, too. */
#define TC_ACT_UNSPEC (-1)

enum packet_way : __u8 {
	EGRESS,
	INGRESS,
};

struct captured {
	gadget_timestamp timestamp_raw;
	gadget_netns_id netns_id;
	__u32 ifindex;
	__u32 payload_len;
	__u32 packet_size;
	enum packet_way packet_type_raw;
	__u8 __unused[7];
	struct gadget_process proc;
};

/* Of this kind, since the packet goes behind the event. */
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} events SEC(".maps");

GADGET_TRACER(packets, events, captured);

const volatile __u16 snaplen = 1500;

GADGET_PARAM(snaplen);

GADGET_PF()

static __always_inline int handle(struct __sk_buff *skb, enum packet_way type)
{
	struct gadget_socket_value *owner;
	struct captured packet;
	__u64 len;

	/* The filter reads memory: the headers are to be there, not in pages elsewhere. */
	bpf_skb_pull_data(skb, 0);
	if (!gadget_pf_matches((void *)skb, (void *)(long)skb->data, (void *)(long)skb->data_end))
		return TC_ACT_UNSPEC;
	owner = gadget_socket_lookup_with_direction(skb, type == INGRESS);
	if (gadget_should_discard_data_by_skb(owner))
		return TC_ACT_UNSPEC;

	__builtin_memset(&packet, 0, sizeof(packet));
	packet.timestamp_raw = bpf_ktime_get_boot_ns();
	packet.netns_id = skb->cb[0];
	packet.ifindex = skb->ifindex;
	packet.packet_type_raw = type;
	packet.packet_size = len = skb->len;
	if (len > snaplen)
		len = snaplen;
	packet.payload_len = len;
	gadget_process_populate_from_socket(owner, &packet.proc);
	bpf_perf_event_output(skb, &events, len << 32 | BPF_F_CURRENT_CPU, &packet, sizeof(packet));
	return TC_ACT_UNSPEC;
}

SEC("classifier/ingress/main")
int ingress_main(struct __sk_buff *skb)
{
	return handle(skb, INGRESS);
}

SEC("classifier/egress/main")
int egress_main(struct __sk_buff *skb)
{
	return handle(skb, EGRESS);
}

char LICENSE[] SEC("license") = "GPL";
