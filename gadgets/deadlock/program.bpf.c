// SPDX-License-Identifier: GPL-2.0-only

/*
 * In which order threads lock mutexes: an edge for each mutex that a thread holds
 * while it locks another one. The wasm program looks for circles.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <gadget/buffer.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/mapiter.h>
#include <gadget/mntns.h>
#include <gadget/types.h>

/* How many mutexes a thread may hold at the same time. */
#define MAX_HELD 16

#define MAX_STACK_DEPTH 50

struct edges_key {
	__u64 mutex1;
	__u64 mutex2;
	gadget_pid pid;
	__u32 __unused;
};

/* About the thread that first locked mutex2 while it held mutex1, and where it locked them. */
struct edges_value {
	gadget_mntns_id mntns_id;
	__u64 mutex1_stack_id;
	__u64 mutex2_stack_id;
	gadget_tid tid;
	gadget_comm comm[TASK_COMM_LEN];
	__u32 __unused;
};

GADGET_MAPITER_MAP(edges, edges_key, edges_value, 65536);
GADGET_MAPITER(mutex, edges);

struct dead_pid {
	gadget_pid pid;
};

GADGET_TRACER_MAP(dead_pids, 64 * 1024);
GADGET_TRACER(process_exit, dead_pids, dead_pid);

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 16384);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, MAX_STACK_DEPTH * sizeof(__u64));
} stacks SEC(".maps");

/* A mutex that a thread holds or waits for. times is 0 where the place is free. */
struct held {
	__u64 mutex;
	__u64 stack_id;
	__u64 times;
};

struct thread {
	struct held held[MAX_HELD];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct thread);
} threads SEC(".maps");

static const struct thread holds_nothing = {};

static __always_inline void add_edge(const struct held *held, __u64 mutex, __u64 stack_id)
{
	struct edges_value value = {
		.mutex1_stack_id = held->stack_id,
		.mutex2_stack_id = stack_id,
	};
	struct edges_key key = {.mutex1 = held->mutex, .mutex2 = mutex};
	__u64 thread = bpf_get_current_pid_tgid();

	key.pid = thread >> 32;
	value.tid = (__u32)thread;
	value.mntns_id = gadget_get_current_mntns_id();
	bpf_get_current_comm(value.comm, sizeof(value.comm));
	gadget_entry(&edges, &key, &value);
}

/* The place of a mutex among those that the thread holds, or of a free place for mutex 0; or NULL. */
static __always_inline struct held *find(struct thread *thread, __u64 mutex)
{
	for (int i = 0; i < MAX_HELD; i++) {
		struct held *held = &thread->held[i];

		if (mutex ? held->times && held->mutex == mutex : !held->times)
			return held;
	}
	return NULL;
}

static __always_inline void take(void *ctx, struct thread *thread, __u64 mutex)
{
	struct held *held = find(thread, mutex);
	__u64 stack_id;

	/* A recursive one is unlocked as often as it is locked. */
	if (held) {
		held->times++;
		return;
	}
	stack_id = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK | BPF_F_FAST_STACK_CMP);
	for (int i = 0; i < MAX_HELD; i++) {
		if (thread->held[i].times)
			add_edge(&thread->held[i], mutex, stack_id);
	}
	held = find(thread, 0);
	if (!held) {
		gadget_lost(&edges);
		return;
	}
	held->mutex = mutex;
	held->stack_id = stack_id;
	held->times = 1;
}

/* The current thread locks a mutex, perhaps after it has waited for it. */
static __always_inline int locks(void *ctx, __u64 mutex)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct thread *thread;

	if (!mutex || gadget_should_discard_data_current())
		return 0;
	thread = bpf_map_lookup_or_try_init(&threads, &id, &holds_nothing);
	if (thread)
		take(ctx, thread, mutex);
	else
		gadget_lost(&edges);
	return 0;
}

SEC("uprobe/libc:pthread_mutex_lock")
int BPF_UPROBE(lock, __u64 mutex)
{
	return locks(ctx, mutex);
}

SEC("uprobe/libc:pthread_mutex_unlock")
int BPF_UPROBE(unlock, __u64 mutex)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct thread *thread = bpf_map_lookup_elem(&threads, &id);
	struct held *held;

	if (!thread || !mutex)
		return 0;
	held = find(thread, mutex);
	if (held)
		held->times--;
	return 0;
}

SEC("raw_tracepoint/sched_process_exit")
int thread_ends(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct dead_pid *event;

	bpf_map_delete_elem(&threads, &id);
	if (gadget_should_discard_data_current() || (__u32)id != id >> 32)
		return 0;
	event = gadget_reserve_buf(&dead_pids, sizeof(*event));
	if (!event)
		return 0;
	event->pid = id >> 32;
	gadget_submit_buf(ctx, &dead_pids, event, sizeof(*event));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
