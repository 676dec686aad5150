// SPDX-License-Identifier: GPL-2.0-only

/*
 * A flight recorder: the last system calls of each thread, of which new ones take the
 * place of old ones. A call is noted when it begins, so that one that never ends is
 * there as well, and completed when it ends. The wasm program specifies which calls are
 * wanted and which of their arguments point to a text, and makes texts of what is here.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <gadget/filter.h>
#include <gadget/lost.h>
#include <gadget/macros.h>
#include <gadget/mntns.h>
#include <gadget/syscall.h>
#include <gadget/types.h>

/* What the wasm program has to know. */
#define MAX_SYSCALLS 512
#define MAX_ARGS     6
#define MAX_TEXTS    2
#define TEXT_SIZE    128

/* An array that the wasm program is given has at most as many entries. */
#define MAX_CALLS 32768

/* Where a text ends: it is none; at a NUL; an argument, or what the call returns, says. */
enum text_kind {
	TEXT_NONE,
	TEXT_STRING,
	TEXT_SENT,
	TEXT_RECEIVED,
};

/* What the wasm program specifies about a system call. */
struct spec {
	__u8 wanted;
	__u8 kind[MAX_TEXTS];
	__u8 arg[MAX_TEXTS];
	__u8 len_arg[MAX_TEXTS];
	__u8 __unused;
};

/* What it makes its texts of. */
struct call {
	__u64 args[MAX_ARGS];
	__s64 ret;
	__u32 nr;
	__u32 ended;
	__u32 len[MAX_TEXTS]; /* 0 where the text could not be read */
	char text[MAX_TEXTS][TEXT_SIZE];
};

struct traceloop_key {
	gadget_tid tid;
	__u32 slot;
};

struct traceloop_value {
	gadget_timestamp timestamp_raw;
	gadget_mntns_id mntns_id;
	gadget_pid pid;
	__u32 cpu;
	gadget_comm comm[TASK_COMM_LEN];
	__u8 call[sizeof(struct call)];
};

const volatile __u32 calls_per_thread = 256;

GADGET_PARAM(calls_per_thread);

/* Those of threads that have made none for the longest time go first. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_CALLS);
	__type(key, struct traceloop_key);
	__type(value, struct traceloop_value);
} calls SEC(".maps");

GADGET_LOST_MAP(calls)

GADGET_MAPITER(traceloop, calls);

/* How many calls a thread has made. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, gadget_tid);
	__type(value, __u32);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_SYSCALLS);
	__type(key, __u32);
	__type(value, struct spec);
} specs SEC(".maps");

/* A call that has not ended, and when it began: its place may get another one. */
struct begun {
	struct traceloop_key key;
	__u64 timestamp;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, __u64);
	__type(value, struct begun);
} threads SEC(".maps");

/* A call is larger than the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct traceloop_value);
} scratch SEC(".maps");

/* Which of its places the current thread is to use next: no other one changes its count. */
static __always_inline __u32 next_slot(gadget_tid tid)
{
	__u32 *count = bpf_map_lookup_elem(&counts, &tid), one = 1;

	if (count)
		return (*count)++ % calls_per_thread;
	bpf_map_update_elem(&counts, &tid, &one, BPF_ANY);
	return 0;
}

/* Reads len bytes, or a string. */
static __always_inline void read_text(struct call *call, int i, __u8 arg, __u64 len, bool string)
{
	__u64 size = len;
	long read;

	if (arg >= MAX_ARGS)
		return;
	if (string) {
		read = bpf_probe_read_user_str(call->text[i], TEXT_SIZE, (void *)call->args[arg]);
		call->len[i] = read > 0 ? read : 0;
		return;
	}
	barrier_var(size); /* the verifier wants the limit on what is passed on */
	if (size > TEXT_SIZE)
		size = TEXT_SIZE;
	if (!bpf_probe_read_user(call->text[i], size, (void *)call->args[arg]))
		call->len[i] = len > 0xffffffff ? 0xffffffff : len;
}

static __always_inline void read_texts_at_entry(struct call *call, const struct spec *spec)
{
#pragma unroll
	for (int i = 0; i < MAX_TEXTS; i++) {
		__u8 len_arg = spec->len_arg[i];

		call->len[i] = 0;
		if (spec->kind[i] == TEXT_STRING)
			read_text(call, i, spec->arg[i], 0, true);
		else if (spec->kind[i] == TEXT_SENT && len_arg < MAX_ARGS)
			read_text(call, i, spec->arg[i], call->args[len_arg], false);
	}
}

SEC("raw_tracepoint/sys_enter")
int call_begins(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];
	__u64 thread = bpf_get_current_pid_tgid();
	struct traceloop_value *value;
	__u32 zero = 0, nr = ctx->args[1];
	struct begun begun = {};
	struct spec *spec;
	struct call *call;

	if (gadget_should_discard_data_current() || gadget_is_32bit_syscall())
		return 0;
	spec = bpf_map_lookup_elem(&specs, &nr);
	value = bpf_map_lookup_elem(&scratch, &zero);
	if (!spec || !spec->wanted || !value || !calls_per_thread)
		return 0;

	value->timestamp_raw = bpf_ktime_get_boot_ns();
	value->mntns_id = gadget_get_current_mntns_id();
	value->pid = thread >> 32;
	value->cpu = bpf_get_smp_processor_id();
	bpf_get_current_comm(value->comm, sizeof(value->comm));
	call = (struct call *)value->call;
	call->args[0] = PT_REGS_PARM1_CORE_SYSCALL(regs);
	call->args[1] = PT_REGS_PARM2_CORE_SYSCALL(regs);
	call->args[2] = PT_REGS_PARM3_CORE_SYSCALL(regs);
	call->args[3] = PT_REGS_PARM4_CORE_SYSCALL(regs);
	call->args[4] = PT_REGS_PARM5_CORE_SYSCALL(regs);
	call->args[5] = PT_REGS_PARM6_CORE_SYSCALL(regs);
	call->ret = 0;
	call->nr = nr;
	call->ended = 0;
	read_texts_at_entry(call, spec);

	begun.timestamp = value->timestamp_raw;
	begun.key.tid = (__u32)thread;
	begun.key.slot = next_slot(begun.key.tid);
	if (bpf_map_update_elem(&calls, &begun.key, value, BPF_ANY) ||
	    bpf_map_update_elem(&threads, &thread, &begun, BPF_ANY))
		gadget_lost(&calls);
	return 0;
}

SEC("raw_tracepoint/sys_exit")
int call_ends(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct begun *begun = bpf_map_lookup_elem(&threads, &thread);
	struct traceloop_value *value;
	struct traceloop_key key;
	struct spec *spec;
	struct call *call;
	__u64 timestamp;
	long ret = ctx->args[1];

	if (!begun)
		return 0;
	key = begun->key;
	timestamp = begun->timestamp;
	bpf_map_delete_elem(&threads, &thread);
	value = bpf_map_lookup_elem(&calls, &key);
	if (!value || value->timestamp_raw != timestamp)
		return 0; /* others have taken its place */

	call = (struct call *)value->call;
	call->ret = ret;
	call->ended = 1;
	spec = bpf_map_lookup_elem(&specs, &call->nr);
	if (!spec || ret <= 0)
		return 0;
#pragma unroll
	for (int i = 0; i < MAX_TEXTS; i++) {
		if (spec->kind[i] == TEXT_RECEIVED)
			read_text(call, i, spec->arg[i], ret, false);
	}
	return 0;
}

/* A thread may end in the middle of a call. */
SEC("raw_tracepoint/sched_process_exit")
int thread_ends(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&threads, &thread);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
