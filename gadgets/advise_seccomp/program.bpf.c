// SPDX-License-Identifier: GPL-2.0-only

/* Which system calls are made in each mount namespace, that is in each container. */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/mapiter.h>
#include <gadget/mntns.h>
#include <gadget/syscall.h>
#include <gadget/types.h>

/* More than any architecture has. */
#define MAX_SYSCALLS 512

struct syscalls_key {
	gadget_mntns_id mntns_id;
};

/* One byte for each system call, 1 for those that were made. */
struct syscalls_value {
	__u8 syscalls[MAX_SYSCALLS];
	gadget_comm comm[TASK_COMM_LEN];
};

GADGET_MAPITER_MAP(syscalls_per_mntns, syscalls_key, syscalls_value, 1024);
GADGET_MAPITER(syscalls, syscalls_per_mntns);

const struct syscalls_value no_calls = {};

SEC("raw_tracepoint/sys_enter")
int enter(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 id = ctx->args[1];
	struct syscalls_value *value;
	struct syscalls_key key;

	if (gadget_should_discard_data_current())
		return 0;
	key.mntns_id = gadget_get_current_mntns_id();
	if (!key.mntns_id || gadget_is_32bit_syscall())
		return 0;
	/* -1 is what a tracer or a filter puts in place of a call that is not to be made. */
	if (id >= MAX_SYSCALLS) {
		if ((__s64)id >= 0)
			gadget_lost(&syscalls_per_mntns);
		return 0;
	}

	value = bpf_map_lookup_elem(&syscalls_per_mntns, &key);
	if (!value) {
		value = gadget_entry(&syscalls_per_mntns, &key, &no_calls);
		if (!value)
			return 0;
		bpf_get_current_comm(value->comm, sizeof(value->comm));
	}
	/* Most calls were made before; a write would take the line from other CPUs. */
	if (!value->syscalls[id])
		value->syscalls[id] = 1;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
