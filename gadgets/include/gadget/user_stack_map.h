/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/*
 * User stacks: an event has a struct gadget_user_stack, the map the addresses.
 * Taken only with the param collect-ustack; without it the struct is zero.
 */

#ifndef __GADGET_USER_STACK_MAP_H
#define __GADGET_USER_STACK_MAP_H

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <gadget/core_fixes.bpf.h>
#include <gadget/fnv1a.h>
#include <gadget/macros.h>
#include <gadget/types.h>

#define GADGET_USER_MAX_STACK_DEPTH       127
#define GADGET_USER_STACK_MAP_MAX_ENTRIES 10000

/* Params: take user stacks, with build ids, with those of an OpenTelemetry profiler. */
const volatile bool collect_ustack = false;
const volatile bool collect_build_id = false;
const volatile bool collect_otel_stack = false;
/* By its name, how large the runner makes ig_build_id. */
const volatile int ig_build_id_max_entries = 1024;

GADGET_PARAM(collect_ustack);
GADGET_PARAM(collect_build_id);
GADGET_PARAM(collect_otel_stack);
GADGET_PARAM(ig_build_id_max_entries);

/* The addresses of each stack, by its id. */
struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, GADGET_USER_STACK_MAP_MAX_ENTRIES);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, GADGET_USER_MAX_STACK_DEPTH * sizeof(__u64));
} ig_ustack SEC(".maps");

/* By the same id: build id and offset of every address. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, GADGET_USER_MAX_STACK_DEPTH * sizeof(struct bpf_stack_build_id));
} ig_build_id SEC(".maps");

static const struct bpf_stack_build_id ig_empty_build_id[GADGET_USER_MAX_STACK_DEPTH] = {};

/*
 * An OpenTelemetry profiler on the node can take the stack of interpreted
 * languages: the runner puts its entry program into the array of the fitting
 * type, and the program leaves the id of its report in otel_generic_params.
 */
struct generic_param {
	u64 correlation_id;
};

/* Where the program of the profiler leaves its id, at key 0. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct generic_param);
} otel_generic_params SEC(".maps");

/*
 * Where the runner puts the profiler's program for kprobes. The kernel binds such an
 * array to the type of the first program that uses it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
	__array(values, int());
} otel_tc_kprobe SEC(".maps");

/* The same for perf events. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
	__array(values, int());
} otel_tc_perf SEC(".maps");

/*
 * Modification times of inodes: `i_mtime` became `__i_mtime` in 6.7 and two
 * numbers, `i_mtime_sec` and `i_mtime_nsec`, in 6.11.
 */
struct inode___mtime_before_6_7 {
	struct timespec64 i_mtime;
} __attribute__((preserve_access_index));

struct inode___mtime_before_6_11 {
	struct timespec64 __i_mtime;
} __attribute__((preserve_access_index));

struct inode___mtime {
	time64_t i_mtime_sec;
	u32 i_mtime_nsec;
} __attribute__((preserve_access_index));

/* When the content of a file was last changed. */
static __always_inline void gadget_inode_get_mtime(struct inode *inode, __u64 *mtime_sec,
						   __u32 *mtime_nsec)
{
	struct inode___mtime *now = (void *)inode;
	struct inode___mtime_before_6_11 *before = (void *)inode;
	struct inode___mtime_before_6_7 *older = (void *)inode;

	if (bpf_core_field_exists(now->i_mtime_sec)) {
		*mtime_sec = BPF_CORE_READ(now, i_mtime_sec);
		*mtime_nsec = BPF_CORE_READ(now, i_mtime_nsec);
	} else if (bpf_core_field_exists(before->__i_mtime)) {
		*mtime_sec = BPF_CORE_READ(before, __i_mtime.tv_sec);
		*mtime_nsec = BPF_CORE_READ(before, __i_mtime.tv_nsec);
	} else {
		*mtime_sec = BPF_CORE_READ(older, i_mtime.tv_sec);
		*mtime_nsec = BPF_CORE_READ(older, i_mtime.tv_nsec);
	}
}

/* Distinguishes address spaces: another number after every exec. */
static __always_inline u32 gadget_get_base_addr_hash(struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	u32 hash = fnv_32a_init();

	fnv_32a_update_u64(&hash, (u64)mm);
	fnv_32a_update_u64(&hash, BPF_CORE_READ(mm, start_code));
	fnv_32a_update_u64(&hash, BPF_CORE_READ(mm, start_stack));
	return hash;
}

/* The kernel's own numbers of a device: 12 bits major, 20 bits minor. */
#define __GADGET_MINOR_BITS 20

static __always_inline void __gadget_ustack_executable(struct gadget_user_stack *ustack,
						       struct task_struct *task)
{
	struct inode *inode = BPF_CORE_READ(task, mm, exe_file, f_inode);
	dev_t dev = BPF_CORE_READ(inode, i_sb, s_dev);

	ustack->major = dev >> __GADGET_MINOR_BITS;
	ustack->minor = dev & ((1U << __GADGET_MINOR_BITS) - 1);
	ustack->inode = BPF_CORE_READ(inode, i_ino);
	gadget_inode_get_mtime(inode, &ustack->mtime_sec, &ustack->mtime_nsec);
	ustack->base_addr_hash = gadget_get_base_addr_hash(task);
}

/*
 * The numbers of the process in the first pid namespaces: where the runner's
 * /proc belongs to the second one, it needs that number.
 */
static __always_inline void __gadget_ustack_pids(struct gadget_user_stack *ustack,
						 struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	/* An array of one before 6.5, of unknown length since. */
	struct upid *ids = (struct upid *)&pid->numbers;

	ustack->tgid_level0 = BPF_CORE_READ(task, tgid);
	ustack->pid_level0 = BPF_CORE_READ(ids, nr);
	ustack->pidns_level0 = BPF_CORE_READ(ids, ns, ns.inum);

	if (BPF_CORE_READ(pid, level) < 1)
		return;

	/* The size of the element is the kernel's, which need not be the header's. */
	ids = (void *)ids + bpf_core_type_size(struct upid);
	ustack->pid_level1 = BPF_CORE_READ(ids, nr);
	ustack->pidns_level1 = BPF_CORE_READ(ids, ns, ns.inum);
}

static __always_inline void __gadget_ustack_build_ids(void *ctx, __u32 stack_id)
{
	struct bpf_stack_build_id *ids;

	/* The same stack has the same build ids: nothing to do if they are there. */
	if (bpf_map_update_elem(&ig_build_id, &stack_id, &ig_empty_build_id, BPF_NOEXIST))
		return;

	ids = bpf_map_lookup_elem(&ig_build_id, &stack_id);
	if (ids)
		bpf_get_stack(ctx, ids,
			      GADGET_USER_MAX_STACK_DEPTH * sizeof(struct bpf_stack_build_id),
			      BPF_F_USER_STACK | BPF_F_USER_BUILD_ID);
}

static __always_inline void __gadget_ustack_fill(void *ctx, struct gadget_user_stack *ustack)
{
	struct task_struct *task;
	long id;

	__builtin_memset(ustack, 0, sizeof(*ustack));
	if (!collect_ustack)
		return;

	task = (struct task_struct *)bpf_get_current_task();
	id = bpf_get_stackid(ctx, &ig_ustack, BPF_F_FAST_STACK_CMP | BPF_F_USER_STACK);
	ustack->stack_id = id;
	ustack->boot_timestamp = bpf_ktime_get_boot_ns();
	__gadget_ustack_executable(ustack, task);
	__gadget_ustack_pids(ustack, task);
	if (collect_build_id && id >= 0)
		__gadget_ustack_build_ids(ctx, id);
}

static __always_inline void __gadget_ustack_read_otel(struct gadget_user_stack *ustack)
{
	__u32 zero = 0;
	struct generic_param *answer = bpf_map_lookup_elem(&otel_generic_params, &zero);

	if (answer)
		ustack->otel_correlation_id = answer->correlation_id;
}

/*
 * A tail call does not come back; from a function of its own it comes back to
 * the caller of that function.
 */
static __noinline int gadget_fetch_otel_stack_from_kprobe(void *ctx)
{
	bpf_tail_call(ctx, &otel_tc_kprobe, 0);
	return 0;
}

/* The same from a perf event. */
static __noinline int gadget_fetch_otel_stack_from_perf_event(void *ctx)
{
	bpf_tail_call(ctx, &otel_tc_perf, 0);
	return 0;
}

/* For kprobes and uprobes, and their returns. */
static __always_inline void gadget_get_user_stack_from_kprobe(void *ctx,
							      struct gadget_user_stack *ustack)
{
	__gadget_ustack_fill(ctx, ustack);
	if (collect_ustack && collect_otel_stack) {
		gadget_fetch_otel_stack_from_kprobe(ctx);
		__gadget_ustack_read_otel(ustack);
	}
}

/* For perf events. */
static __always_inline void gadget_get_user_stack_from_perf_event(void *ctx,
								  struct gadget_user_stack *ustack)
{
	__gadget_ustack_fill(ctx, ustack);
	if (collect_ustack && collect_otel_stack) {
		gadget_fetch_otel_stack_from_perf_event(ctx);
		__gadget_ustack_read_otel(ustack);
	}
}

/*
 * For tracepoints, and all other programs that no profiler's program can be
 * called from: with such stacks they are refused when they are loaded.
 */
static __always_inline void gadget_get_user_stack_from_tracepoint(void *ctx,
								  struct gadget_user_stack *ustack)
{
	__gadget_ustack_fill(ctx, ustack);
	if (collect_ustack && collect_otel_stack)
		bpf_core_unreachable();
}

/*
 * gadget_get_user_stack(ctx, ustack): the one that fits the type of ctx. Of any
 * other type it does not compile: call the function that is meant.
 */
#define gadget_get_user_stack(ctx, ustack)                           \
	_Generic((ctx),                                              \
		struct pt_regs *: gadget_get_user_stack_from_kprobe, \
		struct bpf_perf_event_data *: gadget_get_user_stack_from_perf_event)(ctx, ustack)

#endif /* __GADGET_USER_STACK_MAP_H */
