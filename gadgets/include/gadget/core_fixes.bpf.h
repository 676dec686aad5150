/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/*
 * Reading what kernel versions spell differently. A struct whose name ends in
 * three underscores and a suffix means the kernel's struct without them:
 * the loader relocates each access, and drops the branches that cannot be.
 */

#ifndef __GADGET_CORE_FIXES_BPF_H
#define __GADGET_CORE_FIXES_BPF_H

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/*
 * A call to the helper number that loaders put where a relocation failed: a
 * program that can still reach it is refused when it is loaded. It marks what no
 * kernel should come to: `if (known_a) ...; else if (known_b) ...; else
 * bpf_core_unreachable();`
 */
static void (*bpf_core_unreachable)(void) = (void *)0xbad2310;

/* task_struct: `state` became `__state` in 5.14. */
struct task_struct___o {
	volatile long state;
} __attribute__((preserve_access_index));

struct task_struct___x {
	unsigned int __state;
} __attribute__((preserve_access_index));

/* The state of a task: 0 of one that runs or could, else a TASK_* of the kernel. */
static __always_inline __s64 get_task_state(void *task)
{
	struct task_struct___x *now = task;
	struct task_struct___o *before = task;

	if (bpf_core_field_exists(now->__state))
		return BPF_CORE_READ(now, __state);
	return BPF_CORE_READ(before, state);
}

/* bio: `bi_disk` became `bi_bdev->bd_disk` in 5.12. */
struct bio___o {
	struct gendisk *bi_disk;
} __attribute__((preserve_access_index));

struct bio___x {
	struct block_device *bi_bdev;
} __attribute__((preserve_access_index));

/* The disk of a bio. */
static __always_inline struct gendisk *get_gendisk(void *bio)
{
	struct bio___x *now = bio;
	struct bio___o *before = bio;

	if (bpf_core_field_exists(now->bi_bdev))
		return BPF_CORE_READ(now, bi_bdev, bd_disk);
	return BPF_CORE_READ(before, bi_disk);
}

/* request: `rq_disk` became `q->disk` in 5.17. */
struct request_queue___x {
	struct gendisk *disk;
} __attribute__((preserve_access_index));

struct request___x {
	struct request_queue___x *q;
	struct gendisk *rq_disk;
} __attribute__((preserve_access_index));

/* The disk of a request. */
static __always_inline struct gendisk *get_disk(void *request)
{
	struct request___x *rq = request;

	if (bpf_core_field_exists(rq->rq_disk))
		return BPF_CORE_READ(rq, rq_disk);
	return BPF_CORE_READ(rq, q, disk);
}

/*
 * The tracepoint block_rq_complete shares the record `..._completion` with
 * block_rq_error since 5.18; before it had its own.
 */
struct trace_event_raw_block_rq_complete___x {
	dev_t dev;
	sector_t sector;
	unsigned int nr_sector;
} __attribute__((preserve_access_index));

struct trace_event_raw_block_rq_completion___x {
	dev_t dev;
	sector_t sector;
	unsigned int nr_sector;
} __attribute__((preserve_access_index));

/* Whether the record of block_rq_complete is `..._completion`. */
static __always_inline bool has_block_rq_completion(void)
{
	return bpf_core_type_exists(struct trace_event_raw_block_rq_completion___x);
}

/*
 * vfs_create, vfs_unlink and their kin take what identifies an idmapped mount as
 * first argument since 5.12. renamedata has it too, under a name that changed in
 * 6.3 and again in 6.18.
 */
struct renamedata___x {
	struct user_namespace *old_mnt_userns;
	struct mnt_idmap *old_mnt_idmap;
	struct mnt_idmap *mnt_idmap;
} __attribute__((preserve_access_index));

/* Whether functions such as vfs_create take what identifies the mount first. */
static __always_inline bool renamedata_has_old_mnt_userns_field(void)
{
	return bpf_core_field_exists(struct renamedata___x, old_mnt_userns) ||
	       bpf_core_field_exists(struct renamedata___x, old_mnt_idmap) ||
	       bpf_core_field_exists(struct renamedata___x, mnt_idmap);
}

/* The tracepoints kfree and kmem_cache_free shared `..._kmem_free` until 5.12. */
struct trace_event_raw_kmem_free___x {
	const void *ptr;
} __attribute__((preserve_access_index));

struct trace_event_raw_kfree___x {
	const void *ptr;
} __attribute__((preserve_access_index));

struct trace_event_raw_kmem_cache_free___x {
	const void *ptr;
} __attribute__((preserve_access_index));

/* Whether the tracepoint kfree has its own record. */
static __always_inline bool has_kfree(void)
{
	return bpf_core_type_exists(struct trace_event_raw_kfree___x);
}

/* Whether the tracepoint kmem_cache_free has its own record. */
static __always_inline bool has_kmem_cache_free(void)
{
	return bpf_core_type_exists(struct trace_event_raw_kmem_cache_free___x);
}

/*
 * The tracepoint tcp_retransmit_skb has its own record in some kernels from
 * 6.14 on, and shares `tcp_event_sk_skb` in the others.
 */
struct trace_event_raw_tcp_retransmit_skb___x {
	const void *skbaddr;
	const void *skaddr;
} __attribute__((preserve_access_index));

struct trace_event_raw_tcp_event_sk_skb___x {
	const void *skbaddr;
	const void *skaddr;
} __attribute__((preserve_access_index));

/* The packet of the tracepoint tcp_retransmit_skb. */
static __always_inline const struct sk_buff *gadget_get_tcp_retransmit_skb_skbaddr(void *ctx)
{
	struct trace_event_raw_tcp_retransmit_skb___x *own = ctx;
	struct trace_event_raw_tcp_event_sk_skb___x *shared = ctx;

	if (bpf_core_type_exists(struct trace_event_raw_tcp_retransmit_skb___x))
		return BPF_CORE_READ(own, skbaddr);
	return BPF_CORE_READ(shared, skbaddr);
}

/* The socket of the tracepoint tcp_retransmit_skb. */
static __always_inline const struct sock *gadget_get_tcp_retransmit_skb_skaddr(void *ctx)
{
	struct trace_event_raw_tcp_retransmit_skb___x *own = ctx;
	struct trace_event_raw_tcp_event_sk_skb___x *shared = ctx;

	if (bpf_core_type_exists(struct trace_event_raw_tcp_retransmit_skb___x))
		return BPF_CORE_READ(own, skaddr);
	return BPF_CORE_READ(shared, skaddr);
}

/*
 * Times of an inode: `i_ctime` became `__i_ctime` in 6.6 and two numbers,
 * `i_ctime_sec` and `i_ctime_nsec`, in 6.11.
 */
struct inode___ctime_before_6_6 {
	struct timespec64 i_ctime;
} __attribute__((preserve_access_index));

struct inode___ctime_before_6_11 {
	struct timespec64 __i_ctime;
} __attribute__((preserve_access_index));

struct inode___ctime {
	time64_t i_ctime_sec;
	u32 i_ctime_nsec;
} __attribute__((preserve_access_index));

/* Since 6.13 this bit of the nanoseconds means that the time has been read. */
#define I_CTIME_QUERIED (1U << 31)

#define __GADGET_NSEC_PER_SEC 1000000000ULL

/* When the inode was last changed: nanoseconds since 1970, 0 if before. */
static __always_inline u64 gadget_get_ctime_nanosec_from_inode(struct inode *inode)
{
	struct inode___ctime *now = (void *)inode;
	struct inode___ctime_before_6_11 *before = (void *)inode;
	struct inode___ctime_before_6_6 *older = (void *)inode;
	s64 sec;
	u32 nsec;

	if (bpf_core_field_exists(now->i_ctime_sec)) {
		sec = BPF_CORE_READ(now, i_ctime_sec);
		nsec = BPF_CORE_READ(now, i_ctime_nsec) & ~I_CTIME_QUERIED;
	} else if (bpf_core_field_exists(before->__i_ctime)) {
		sec = BPF_CORE_READ(before, __i_ctime.tv_sec);
		nsec = BPF_CORE_READ(before, __i_ctime.tv_nsec);
	} else {
		sec = BPF_CORE_READ(older, i_ctime.tv_sec);
		nsec = BPF_CORE_READ(older, i_ctime.tv_nsec);
	}

	return sec < 0 ? 0 : sec * __GADGET_NSEC_PER_SEC + nsec;
}

/*
 * The number of the system call that entered with these registers. They differ by
 * architecture, not by kernel: the compiler chooses, not the relocation.
 */
static __always_inline long gadget_get_syscall_nr(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return BPF_CORE_READ(regs, orig_ax);
#elif defined(__TARGET_ARCH_arm64)
	return (long)BPF_CORE_READ(regs, syscallno);
#else
	return -1;
#endif
}

/* libbpf supports the sixth argument of a system call since 1.2. */
#ifndef PT_REGS_PARM6_CORE_SYSCALL
#if defined(__TARGET_ARCH_x86)
#define PT_REGS_PARM6_CORE_SYSCALL(regs) BPF_CORE_READ(regs, r9)
#elif defined(__TARGET_ARCH_arm64)
#define PT_REGS_PARM6_CORE_SYSCALL(regs) BPF_CORE_READ((struct user_pt_regs *)(regs), regs[5])
#endif
#endif

/* Argument 1 to 6 of the system call that entered with these registers. */
static __always_inline unsigned long gadget_get_syscall_arg(struct pt_regs *regs,
							    unsigned int arg_id)
{
	switch (arg_id) {
	case 1:
		return PT_REGS_PARM1_CORE_SYSCALL(regs);
	case 2:
		return PT_REGS_PARM2_CORE_SYSCALL(regs);
	case 3:
		return PT_REGS_PARM3_CORE_SYSCALL(regs);
	case 4:
		return PT_REGS_PARM4_CORE_SYSCALL(regs);
	case 5:
		return PT_REGS_PARM5_CORE_SYSCALL(regs);
	case 6:
		return PT_REGS_PARM6_CORE_SYSCALL(regs);
	default:
		return 0;
	}
}

#endif /* __GADGET_CORE_FIXES_BPF_H */
