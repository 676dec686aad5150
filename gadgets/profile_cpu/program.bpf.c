// SPDX-License-Identifier: GPL-2.0-only

/* How often each stack was found when the clock of a CPU ticked. */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/common.h>
#include <gadget/filter.h>
#include <gadget/kernel_stack_map.h>
#include <gadget/macros.h>
#include <gadget/mapiter.h>
#include <gadget/types.h>
#include <gadget/user_stack_map.h>

struct stack_key {
	struct gadget_process proc;
	struct gadget_user_stack user_stack_raw;
	gadget_kernel_stack kern_stack_raw;
	__u32 __unused;
};

struct stack_value {
	__u64 samples;
};

const volatile bool kernel_stacks_only = false;
const volatile bool user_stacks_only = false;
const volatile bool include_idle = false;

GADGET_PARAM(kernel_stacks_only);
GADGET_PARAM(user_stacks_only);
GADGET_PARAM(include_idle);

GADGET_MAPITER_MAP(counts, stack_key, stack_value, 10240);
GADGET_MAPITER(samples, counts);

/* The id of a stack that was not taken. */
#define NO_STACK ((gadget_kernel_stack) - 1)

SEC("perf_event")
int profiler(struct bpf_perf_event_data *ctx)
{
	struct stack_value *value, none = {};
	struct stack_key key = {};

	/* The idle task of each CPU has the number 0. */
	if (!include_idle && !bpf_get_current_pid_tgid())
		return 0;
	if (gadget_should_discard_data_current())
		return 0;

	gadget_process_populate(&key.proc);
	key.kern_stack_raw = NO_STACK;
	if (!user_stacks_only)
		key.kern_stack_raw = gadget_get_kernel_stack(ctx);
	if (!kernel_stacks_only) {
		gadget_get_user_stack(ctx, &key.user_stack_raw);
		/* When it was taken would make each sample a key of its own. */
		key.user_stack_raw.boot_timestamp = 0;
	}

	value = gadget_entry(&counts, &key, &none);
	if (value)
		__sync_fetch_and_add(&value->samples, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
