/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/* The mount namespace of the current task, by which a runner identifies containers. */

#ifndef __GADGET_MNTNS_H
#define __GADGET_MNTNS_H

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/types.h>

/* The mount namespace of the current task; 0 while it exits and no longer has one. */
static __always_inline gadget_mntns_id gadget_get_current_mntns_id(void)
{
	struct task_struct *self = (struct task_struct *)bpf_get_current_task();

	return BPF_CORE_READ(self, nsproxy, mnt_ns, ns.inum);
}

/* The former name of gadget_get_current_mntns_id. */
__attribute__((deprecated("use gadget_get_current_mntns_id"))) static __always_inline
	gadget_mntns_id
	gadget_get_mntns_id(void)
{
	return gadget_get_current_mntns_id();
}

#endif /* __GADGET_MNTNS_H */
