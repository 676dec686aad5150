// SPDX-License-Identifier: Apache-2.0
// A program that no verifier accepts: it reads through an unchecked pointer.
#include "fixture.h"

struct event {
	__u64 value;
};

RING(events, 4096);
TRACER(rejected, events, event);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} values SEC(".maps");

SEC("raw_tp/sys_enter")
int rejected(void *ctx)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&values, &key);

	return *value;
}
