// SPDX-License-Identifier: GPL-2.0-only

/* Not a gadget to run: the headers of network gadgets, on packets that a test makes up. */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

#define GADGET_TYPE_NETWORKING

#include <gadget/buffer.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/packetfilter.h>
#include <gadget/sockets-map.h>
#include <gadget/types.h>

GADGET_PF(named)
GADGET_PF()

/* The way of the packet, and its owner as the helper found it. */
__u8 ingress;
struct gadget_process owner;

/* 0: no owner. 1: an owner that the filters want. 2: one that they do not want. */
SEC("classifier/ingress/find")
int find(struct __sk_buff *skb)
{
	struct gadget_socket_value *found = gadget_socket_lookup_with_direction(skb, ingress);

	if (!found)
		return 0;
	gadget_process_populate_from_socket(found, &owner);
	return gadget_should_discard_data_by_skb(found) ? 2 : 1;
}

SEC("classifier/ingress/pass")
int pass(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;

	return gadget_pf_matches(named, skb, data, end) && gadget_pf_matches(skb, data, end);
}

char LICENSE[] SEC("license") = "GPL";
