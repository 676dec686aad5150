/* SPDX-License-Identifier: GPL-2.0-only */

/* What kernels keep in different ways. */

#ifndef __KERNEL_H
#define __KERNEL_H

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>

/* The kind of a fanotify event: an enum before 5.13, bits since. */
struct fanotify_event___enum {
	enum fanotify_event_type type;
} __attribute__((preserve_access_index));

static __always_inline __u32 fanotify_type(struct fanotify_event *fae)
{
	struct fanotify_event___enum *before = (void *)fae;

	if (bpf_core_field_exists(before->type))
		return BPF_CORE_READ(before, type);
	return BPF_CORE_READ_BITFIELD_PROBED(fae, type);
}

/* The priority of a group: a number before 6.10, an enum since. */
struct fsnotify_group___number {
	unsigned int priority;
} __attribute__((preserve_access_index));

static __always_inline __u32 priority(struct fsnotify_group *group)
{
	struct fsnotify_group___number *before = (void *)group;

	if (bpf_core_field_exists(before->priority))
		return BPF_CORE_READ(before, priority);
	return BPF_CORE_READ(group, priority);
}

#endif /* __KERNEL_H */
