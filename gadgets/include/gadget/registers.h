/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/*
 * The arguments of a system call at its exit: they are still in the registers with
 * which the process entered the kernel. A program at the entry, and a map from there to
 * the exit, would cost the process more than all the rest.
 */

#ifndef __GADGET_REGISTERS_H
#define __GADGET_REGISTERS_H

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define __GADGET_HAS_TASK_PT_REGS \
	bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs)

/*
 * The registers with which the process entered the kernel. Kernels before 5.15, which have
 * no helper for them, keep a pointer to them where the context of a program at a
 * system call's tracepoint begins; later ones may have other registers there.
 */
static __always_inline struct pt_regs *gadget_entry_registers(struct syscall_trace_exit *ctx)
{
	struct pt_regs *regs = NULL;

	if (__GADGET_HAS_TASK_PT_REGS)
		return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());

	bpf_probe_read_kernel(&regs, sizeof(regs), ctx);
	return regs;
}

/*
 * unsigned long gadget_argument(regs, n): argument n, counted from 1, of the system call
 * that was entered with the registers of gadget_entry_registers. n is a literal.
 */
#define gadget_argument(regs, n)                                     \
	(__GADGET_HAS_TASK_PT_REGS ? PT_REGS_PARM##n##_SYSCALL(regs) \
				   : PT_REGS_PARM##n##_CORE_SYSCALL(regs))

#endif /* __GADGET_REGISTERS_H */
