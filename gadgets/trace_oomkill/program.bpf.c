// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for every process that the kernel kills because memory is exhausted. The
 * kernel first sends SIGKILL to the victim and then marks it, both in the context
 * of the process whose allocation failed: what is known of the victim is kept from
 * the first to the second.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/buffer.h>
#include <gadget/common.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/pending.h>
#include <gadget/types.h>

#define SIGKILL 9

/* What replaces a siginfo where the kernel itself sends a signal. */
#define SEND_SIG_PRIV ((void *)1)

struct event {
	gadget_timestamp timestamp_raw;
	gadget_mntns_id tmntns_id;
	struct gadget_process fprocess;
	gadget_pid tpid;
	gadget_comm tcomm[TASK_COMM_LEN];
	__u32 __unused;
	__u64 pages;
};

/* From the signal to the mark. */
struct victim {
	__u64 mntns_id;
	__u64 pages;
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__u32 gid;
	char comm[TASK_COMM_LEN];
};

/*
 * Of the last threads that killed a process on behalf of the kernel, which is not
 * always because memory is exhausted: what no mark follows makes room for later ones.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct victim);
} victims SEC(".maps");

GADGET_TRACER_MAP(events, 256 * 1024);

GADGET_TRACER(oomkill, events, event);

/* Pages of a process by kind: of files, anonymous, swapped out, shared. */
#define MM_FILEPAGES  0
#define MM_ANONPAGES  1
#define MM_SHMEMPAGES 3

/* The counters were atomic numbers until 6.2, and have a part for each CPU since. */
struct mm_struct___atomic {
	struct {
		atomic_long_t count[4];
	} rss_stat;
} __attribute__((preserve_access_index));

struct mm_struct___percpu {
	struct percpu_counter rss_stat[4];
} __attribute__((preserve_access_index));

static __always_inline __u64 resident(struct task_struct *task)
{
	void *mm = BPF_CORE_READ(task, mm);
	struct mm_struct___atomic *before = mm;
	struct mm_struct___percpu *now = mm;

	if (bpf_core_field_exists(before->rss_stat.count))
		return BPF_CORE_READ(before, rss_stat.count[MM_FILEPAGES].counter) +
		       BPF_CORE_READ(before, rss_stat.count[MM_ANONPAGES].counter) +
		       BPF_CORE_READ(before, rss_stat.count[MM_SHMEMPAGES].counter);
	return BPF_CORE_READ(now, rss_stat[MM_FILEPAGES].count) +
	       BPF_CORE_READ(now, rss_stat[MM_ANONPAGES].count) +
	       BPF_CORE_READ(now, rss_stat[MM_SHMEMPAGES].count);
}

/* Arguments: the signal, its siginfo, the task that gets it. */
SEC("raw_tracepoint/signal_generate")
int signal_generate(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx->args[2];
	struct victim victim = {};

	if (ctx->args[0] != SIGKILL || (void *)ctx->args[1] != SEND_SIG_PRIV)
		return 0;

	victim.pid = BPF_CORE_READ(task, tgid);
	victim.tid = BPF_CORE_READ(task, pid);
	victim.uid = BPF_CORE_READ(task, cred, uid.val);
	victim.gid = BPF_CORE_READ(task, cred, gid.val);
	victim.mntns_id = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	victim.pages = resident(task);
	BPF_CORE_READ_INTO(&victim.comm, task, comm);
	gadget_keep(&victims, &victim, &events);
	return 0;
}

/* The record had the pid alone at first; it stays its first field of this name. */
SEC("tracepoint/oom/mark_victim")
int mark_victim(struct trace_event_raw_mark_victim *ctx)
{
	struct victim *victim = gadget_kept(&victims);
	struct event *event;

	/* The filters are about the victim. Of one that was ending anyway there was no signal. */
	if (!victim || victim->pid != (__u32)ctx->pid ||
	    gadget_should_discard_data(victim->mntns_id, victim->pid, victim->tid, victim->comm,
				       victim->uid, victim->gid))
		return 0;

	event = gadget_reserve_buf(&events, sizeof(*event));
	if (!event)
		return 0;
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	event->tmntns_id = victim->mntns_id;
	gadget_process_populate(&event->fprocess);
	event->tpid = victim->pid;
	__builtin_memcpy(event->tcomm, victim->comm, sizeof(event->tcomm));
	event->__unused = 0;
	event->pages = victim->pages;
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
