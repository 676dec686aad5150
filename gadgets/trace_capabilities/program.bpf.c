// SPDX-License-Identifier: GPL-2.0-only

/* One event for every question whether a process has a capability. */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <gadget/buffer.h>
#include <gadget/common.h>
#include <gadget/filter.h>
#include <gadget/kernel_stack_map.h>
#include <gadget/macros.h>
#include <gadget/pending.h>
#include <gadget/types.h>

#include "capabilities.h"

/* From the kernel's security.h: do not audit; the question is part of setuid and its kin. */
#define CAP_OPT_NOAUDIT 0x2
#define CAP_OPT_INSETID 0x4

/* From the kernel's sched.h: a thread of the kernel. */
#define PF_KTHREAD 0x00200000

/* How many capabilities of containers are remembered. */
#define SEEN_MAX 16384

struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;

	__u64 current_userns;
	__u64 target_userns;
	enum cap_effective_set cap_effective_raw;
	gadget_syscall syscall_raw;
	enum cap cap_raw;
	__u32 audit;
	__u32 insetid;
	gadget_kernel_stack kstack_raw;
	bool capable;
	__u8 __unused[7];
};

const volatile bool audit_only = false;
const volatile bool unique = false;
const volatile bool collect_kstack = true;

GADGET_PARAM(audit_only);
GADGET_PARAM(unique);
GADGET_PARAM(collect_kstack);

/* From the question to the answer. */
struct question {
	const struct cred *cred;
	struct user_namespace *target;
	__u32 cap;
	__u32 opts;
	gadget_kernel_stack stack;
	__u32 __unused;
};

GADGET_PENDING_MAP(questions, question, 4096);
GADGET_TRACER_MAP(events, 1024 * 1024);

GADGET_TRACER(capabilities, events, event);

/* A capability that was checked for a container. */
struct seen_key {
	__u64 mntns_id;
	__u64 cap;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SEEN_MAX);
	__type(key, struct seen_key);
	__type(value, __u8);
} seen SEC(".maps");

/* Whether the capability was checked before for the container of the current process. */
static __always_inline bool asked_before(__u32 cap)
{
	struct seen_key key = {.mntns_id = gadget_get_current_mntns_id(), .cap = cap};
	__u8 one = 1;

	if (bpf_map_lookup_elem(&seen, &key))
		return true;
	bpf_map_update_elem(&seen, &key, &one, BPF_ANY);
	return false;
}

/* The capabilities of a process: an array of two halves before 6.3, one number since. */
struct cred___halves {
	struct {
		__u32 cap[2];
	} cap_effective;
} __attribute__((preserve_access_index));

struct cred___whole {
	struct {
		__u64 val;
	} cap_effective;
} __attribute__((preserve_access_index));

static __always_inline __u64 effective(const void *cred)
{
	const struct cred___halves *halves = cred;
	const struct cred___whole *whole = cred;

	if (bpf_core_field_exists(whole->cap_effective.val))
		return BPF_CORE_READ(whole, cap_effective.val);
	return BPF_CORE_READ(halves, cap_effective.cap[0]) |
	       (__u64)BPF_CORE_READ(halves, cap_effective.cap[1]) << 32;
}

/* The registers with which the current task entered the kernel. */
static __always_inline struct pt_regs *entry_registers(void)
{
	/* Kernels without the helper have them at the end of a stack of this size. */
	const __u64 stack_size = 16384;
	struct task_struct *self;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	self = (struct task_struct *)bpf_get_current_task();
	return BPF_CORE_READ(self, stack) + stack_size - bpf_core_type_size(struct pt_regs);
}

/* The system call that the current task is in, or -1. */
static __always_inline __s64 current_syscall(void)
{
	struct task_struct *self = (struct task_struct *)bpf_get_current_task();
	struct pt_regs *regs;

	if (BPF_CORE_READ(self, flags) & PF_KTHREAD)
		return -1;
	regs = entry_registers();
#ifdef __TARGET_ARCH_arm64
	return (__s32)BPF_CORE_READ(regs, syscallno);
#else
	return (__s32)BPF_CORE_READ(regs, orig_ax);
#endif
}

static __always_inline int ask(void *ctx, const struct cred *cred, struct user_namespace *target,
			       int cap, unsigned int opts)
{
	struct question question = {.cred = cred, .target = target, .cap = cap, .opts = opts};

	if (gadget_should_discard_data_current())
		return 0;
	if (audit_only && opts & CAP_OPT_NOAUDIT)
		return 0;
	/* Here, since a kretprobe has no stack of its caller. */
	if (collect_kstack)
		question.stack = gadget_get_kernel_stack(ctx);
	gadget_keep(&questions, &question, &events);
	return 0;
}

static __always_inline int answer(void *ctx, int ret)
{
	struct question *kept = gadget_kept(&questions), question;
	/* Copies: BPF_CORE_READ would relocate the fields of the question itself. */
	struct user_namespace *target;
	const struct cred *cred;
	struct event *event;

	if (!kept)
		return 0;
	question = *kept;
	cred = question.cred;
	target = question.target;
	gadget_forget(&questions);
	if (unique && asked_before(question.cap))
		return 0;

	event = gadget_reserve_buf(&events, sizeof(*event));
	if (!event)
		return 0;
	__builtin_memset(event, 0, sizeof(*event));
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	gadget_process_populate(&event->proc);
	event->current_userns = BPF_CORE_READ(cred, user_ns, ns.inum);
	event->target_userns = BPF_CORE_READ(target, ns.inum);
	event->cap_effective_raw = effective(cred);
	event->syscall_raw = current_syscall();
	event->cap_raw = question.cap;
	event->audit = !(question.opts & CAP_OPT_NOAUDIT);
	event->insetid = !!(question.opts & CAP_OPT_INSETID);
	event->capable = !ret;
	event->kstack_raw = question.stack;
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
	return 0;
}

SEC("fentry/cap_capable")
int BPF_PROG(question, const struct cred *cred, struct user_namespace *target, int cap,
	     unsigned int opts)
{
	return ask(ctx, cred, target, cap, opts);
}

/* arm64 has neither fentry nor fexit before 6.4. */
SEC("kprobe/cap_capable")
int BPF_KPROBE(question__fallback, const struct cred *cred, struct user_namespace *target, int cap,
	       unsigned int opts)
{
	return ask(ctx, cred, target, cap, opts);
}

SEC("fexit/cap_capable")
int BPF_PROG(answer_given, const struct cred *cred, struct user_namespace *target, int cap,
	     unsigned int opts, int ret)
{
	return answer(ctx, ret);
}

SEC("kretprobe/cap_capable")
int BPF_KRETPROBE(answer_given__fallback, int ret)
{
	return answer(ctx, ret);
}

char LICENSE[] SEC("license") = "GPL";
