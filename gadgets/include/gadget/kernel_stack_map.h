/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/* Kernel stacks: an event has the id, the map the addresses. */

#ifndef __GADGET_KERNEL_STACK_MAP_H
#define __GADGET_KERNEL_STACK_MAP_H

/* Gadgets written for this header count on all three. */
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define GADGET_KERNEL_MAX_STACK_DEPTH       127
#define GADGET_KERNEL_STACK_MAP_MAX_ENTRIES 10000

/* The addresses of each stack, by its id. */
struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, GADGET_KERNEL_STACK_MAP_MAX_ENTRIES);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, GADGET_KERNEL_MAX_STACK_DEPTH * sizeof(__u64));
} ig_kstack SEC(".maps");

/*
 * The id of the current kernel stack, for a gadget_kernel_stack. Negative where
 * the stack could not be taken, or the place in the map is in use by another.
 */
static __always_inline long gadget_get_kernel_stack(void *ctx)
{
	return bpf_get_stackid(ctx, &ig_kstack, BPF_F_FAST_STACK_CMP);
}

#endif /* __GADGET_KERNEL_STACK_MAP_H */
