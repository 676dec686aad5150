// SPDX-License-Identifier: GPL-2.0
// A gadget that takes its types from the kernel's headers for programs, as many do that look at packets.
#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct iphdr);
} last SEC(".maps");

SEC("socket")
int look(struct __sk_buff *skb)
{
	return skb->len > sizeof(struct ethhdr) ? 0 : -EINVAL;
}

char LICENSE[] SEC("license") = "GPL";
