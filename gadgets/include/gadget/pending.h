/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/*
 * What a program keeps between two hooks of the same thread, such as the entry
 * of a system call and its exit. A thread is in one call at a time, so that one
 * value for each is enough; what does not fit counts as a lost event.
 */

#ifndef __GADGET_PENDING_H
#define __GADGET_PENDING_H

#include <bpf/bpf_helpers.h>

#include <gadget/lost.h>

/* Declares the map `name` with a `struct kept` for each of at most `entries` threads. */
#define GADGET_PENDING_MAP(name, kept, entries)  \
	struct {                                 \
		__uint(type, BPF_MAP_TYPE_HASH); \
		__uint(max_entries, entries);    \
		__type(key, __u64);              \
		__type(value, struct kept);      \
	} name SEC(".maps");

/*
 * void gadget_keep(map, value, events): keeps *value for the current thread. Where
 * there is no room an event of the tracer map `events` is counted as lost. Both
 * maps are written with their `&`.
 */
#define gadget_keep(map, value, events) __gadget_keep(map, value, events##_lost_samples)

static __always_inline void __gadget_keep(void *map, const void *value, void *lost_samples)
{
	__u64 thread = bpf_get_current_pid_tgid();

	if (bpf_map_update_elem(map, &thread, value, BPF_ANY))
		__gadget_lost(lost_samples);
}

/* The value that the current thread keeps, or NULL. */
static __always_inline void *gadget_kept(void *map)
{
	__u64 thread = bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(map, &thread);
}

/* Forgets the value that the current thread keeps. */
static __always_inline void gadget_forget(void *map)
{
	__u64 thread = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(map, &thread);
}

#endif /* __GADGET_PENDING_H */
