// SPDX-License-Identifier: GPL-2.0
// Counts the programs that each user starts.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <gadget/macros.h>
#include <gadget/types.h>

struct count_key {
	gadget_uid uid_raw;
};

struct count_value {
	__u64 programs;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct count_key);
	__type(value, struct count_value);
} counts SEC(".maps");

GADGET_MAPITER(counts, counts);

SEC("tracepoint/sched/sched_process_exec")
int count_exec(void *ctx)
{
	struct count_key key = {.uid_raw = (__u32)bpf_get_current_uid_gid()};
	struct count_value one = {.programs = 1}, *value;

	value = bpf_map_lookup_elem(&counts, &key);
	if (value)
		__sync_fetch_and_add(&value->programs, 1);
	else
		bpf_map_update_elem(&counts, &key, &one, BPF_NOEXIST);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
