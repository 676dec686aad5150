// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for every program that a process executes, and on demand for every
 * attempt that failed.
 *
 * Successes are reported by the tracepoint sched_process_exec, in the new
 * program's memory, where the kernel has just laid out the arguments. Failures
 * are reported at the exit of the system call, where the memory of the caller is
 * as it was. An exec from a thread that is not the leader enters as one thread
 * and leaves as another: sched_process_exec has both.
 */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

#include <gadget/filter.h>
#include <gadget/macros.h>

#include "args.h"
#include "event.h"
#include "task.h"

/* Inside the kernel only: the call starts again, or the process sees EINTR. */
#define ERESTARTSYS           512
#define ERESTART_RESTARTBLOCK 516
#define EINTR                 4

const volatile bool ignore_failed = true;

GADGET_PARAM(ignore_failed);

/* From the entry of a system call to its end, by the id of the thread. */
struct exec_call {
	__u64 started;
	__u64 argv;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct exec_call);
} execs SEC(".maps");

static __always_inline int enter(unsigned long argv)
{
	struct exec_call call = {.started = bpf_ktime_get_boot_ns(), .argv = argv};
	__u32 tid = (__u32)bpf_get_current_pid_tgid();

	if (gadget_should_discard_data_current())
		return 0;

	if (bpf_map_update_elem(&execs, &tid, &call, BPF_ANY))
		gadget_lost(&events); /* too many calls are under way */
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_execve")
int enter_execve(struct syscall_trace_enter *ctx)
{
	return enter(ctx->args[1]);
}

SEC("tracepoint/syscalls/sys_enter_execveat")
int enter_execveat(struct syscall_trace_enter *ctx)
{
	return enter(ctx->args[2]);
}

/* Arguments: the task, the thread that made the call, and what was loaded. */
SEC("raw_tracepoint/sched_process_exec")
int sched_exec(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 tid = ctx->args[1];
	struct exec_draft *draft;
	struct event *event;
	struct exec_call *call;

	call = bpf_map_lookup_elem(&execs, &tid);
	if (!call)
		return 0;

	draft = new_event(SLOT_EXEC);
	if (draft) {
		event = &draft->event;
		event->timestamp_raw = call->started;
		fill_task(event, task);
		fill_program(event, task);
		fill_file(event, task, (struct linux_binprm *)ctx->args[2]);
		args_from_memory(draft, task);
		send(ctx, event);
	}
	bpf_map_delete_elem(&execs, &tid);
	return 0;
}

static __always_inline __u32 error_of(long ret)
{
	if (ret >= 0)
		return 0;
	if (-ret >= ERESTARTSYS && -ret <= ERESTART_RESTARTBLOCK)
		return EINTR;
	return -ret;
}

/* What is still in the map has not been executed. */
static __always_inline int leave(struct syscall_trace_exit *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct exec_draft *draft;
	struct exec_call *kept, call;

	kept = bpf_map_lookup_elem(&execs, &tid);
	if (!kept)
		return 0;
	call = *kept;
	bpf_map_delete_elem(&execs, &tid);

	if (ignore_failed)
		return 0;

	draft = new_event(SLOT_EXIT);
	if (!draft)
		return 0;

	draft->event.timestamp_raw = call.started;
	draft->event.error_raw = error_of(ctx->ret);
	fill_task(&draft->event, task);
	args_from_array(draft, call.argv);
	send(ctx, &draft->event);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_execve")
int exit_execve(struct syscall_trace_exit *ctx)
{
	return leave(ctx);
}

SEC("tracepoint/syscalls/sys_exit_execveat")
int exit_execveat(struct syscall_trace_exit *ctx)
{
	return leave(ctx);
}

char LICENSE[] SEC("license") = "GPL";
