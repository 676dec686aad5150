/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/* The process that an event is about. */

#ifndef __GADGET_COMMON_H
#define __GADGET_COMMON_H

#include <vmlinux.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/mntns.h>
#include <gadget/types.h>

/*
 * Fills *p with the current task and its parent. Every byte is written, so p may
 * point to memory that was never cleared. The parent is the one that waits for
 * the process, all zero if none exists.
 */
static __always_inline void gadget_process_populate(struct gadget_process *p)
{
	struct task_struct *self = (struct task_struct *)bpf_get_current_task();
	struct task_struct *parent = BPF_CORE_READ(self, real_parent);
	__u64 ids = bpf_get_current_pid_tgid();
	__u64 creds = bpf_get_current_uid_gid();

	bpf_get_current_comm(p->comm, sizeof(p->comm));
	p->pid = ids >> 32;
	p->tid = (__u32)ids;
	p->mntns_id = gadget_get_current_mntns_id();
	p->creds.uid = (__u32)creds;
	p->creds.gid = creds >> 32;

	if (!parent) {
		__builtin_memset(&p->parent, 0, sizeof(p->parent));
		return;
	}

	/* A failed read leaves zeros. */
	bpf_core_read(p->parent.comm, sizeof(p->parent.comm), &parent->comm);
	p->parent.pid = BPF_CORE_READ(parent, tgid);
	p->parent.tid = BPF_CORE_READ(parent, pid);
}

#endif /* __GADGET_COMMON_H */
