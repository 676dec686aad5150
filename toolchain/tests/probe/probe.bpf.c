// SPDX-License-Identifier: GPL-2.0
// One program that needs every part of the toolchain: kernel types, libbpf, the gadget headers and clang's own.
#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <gadget/macros.h>
#include <limits.h>

const volatile int wanted_pid = INT_MAX;
GADGET_PARAM(wanted_pid);

SEC("kprobe/do_unlinkat")
int BPF_KPROBE(probe, int dfd, struct filename *name)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	int parent = BPF_CORE_READ(task, real_parent, tgid);

	return wanted_pid == parent && PT_REGS_PARM1(ctx) == 0;
}

char LICENSE[] SEC("license") = "GPL";
