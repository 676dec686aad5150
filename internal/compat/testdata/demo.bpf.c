// SPDX-License-Identifier: Apache-2.0
// A gadget that asks for everything that a kernel may lack. It is compiled by
// hand, see README.md; the test reads demo.bpf.o.
#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct task_struct___gone {
	int no_such_field;
} __attribute__((preserve_access_index));

struct mm_struct___gone {
	int never_was_here;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 16);
	__uint(value_size, 4);
} bloom SEC(".maps");

const volatile int target;

extern void bpf_rcu_read_lock(void) __ksym;

SEC("tracepoint/sched/sched_process_exit")
int plain(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, tgid) == target;
}

SEC("raw_tracepoint/sched_switch")
int guarded(void *ctx)
{
	struct task_struct___gone *task = (void *)bpf_get_current_task();
	int v = 0;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_ringbuf_output))
		bpf_ringbuf_output(&events, &v, sizeof(v), 0);
	if (bpf_core_field_exists(task->no_such_field))
		v = BPF_CORE_READ(task, no_such_field);
	return v;
}

SEC("kprobe/do_exit")
int unguarded(void *ctx)
{
	struct mm_struct___gone *mm = ctx;

	return BPF_CORE_READ(mm, never_was_here);
}

SEC("tracepoint/syscalls/sys_enter_openat")
int young(void *ctx)
{
	int v = 1;

	bpf_map_push_elem(&bloom, &v, 0);
	return bpf_ktime_get_tai_ns() > 0;
}

SEC("fentry/do_exit")
int entry(void *ctx)
{
	return 0;
}

SEC("iter/task")
int iterator(void *ctx)
{
	return 0;
}

SEC("lsm/file_open")
int hook(void *ctx)
{
	return 0;
}

SEC("tp_btf/sched_switch")
int traced(void *ctx)
{
	bpf_rcu_read_lock();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
