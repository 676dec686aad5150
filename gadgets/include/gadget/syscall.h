/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/* What numbers of system calls mean. */

#ifndef __GADGET_SYSCALL_H
#define __GADGET_SYSCALL_H

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* How the kernel marks a call by a 32-bit program, on x86 and on arm64. */
#define __GADGET_TS_COMPAT (1U << 1)
#define __GADGET_TIF_32BIT (1UL << 22)

/* Whether the current system call is one of a 32-bit program, whose numbers mean other calls. */
static __always_inline bool gadget_is_32bit_syscall(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

#if defined(__TARGET_ARCH_x86)
	return BPF_CORE_READ(task, thread_info.status) & __GADGET_TS_COMPAT;
#elif defined(__TARGET_ARCH_arm64)
	return BPF_CORE_READ(task, thread_info.flags) & __GADGET_TIF_32BIT;
#endif
}

#endif /* __GADGET_SYSCALL_H */
