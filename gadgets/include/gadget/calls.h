/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/*
 * What a program keeps from the entry of a function to its return, where a thread may
 * be in several functions at the same time, as those of a library call each other:
 * one value for each thread and function. A function that calls itself has one value.
 */

#ifndef __GADGET_CALLS_H
#define __GADGET_CALLS_H

#include <bpf/bpf_helpers.h>

#include <gadget/lost.h>

/* A thread, and a number that the program gives the function. */
struct gadget_call_key {
	__u64 thread;
	__u64 function;
};

/* Declares the map `name` with a `struct kept` for each of at most `entries` calls. */
#define GADGET_CALLS_MAP(name, kept, entries)        \
	struct {                                     \
		__uint(type, BPF_MAP_TYPE_HASH);     \
		__uint(max_entries, entries);        \
		__type(key, struct gadget_call_key); \
		__type(value, struct kept);          \
	} name SEC(".maps");

/*
 * void gadget_call_begins(map, function, value, events): keeps *value for a call by the
 * current thread. Where there is no room an event of the tracer map `events` is counted
 * as lost. Both maps are written with their `&`.
 */
#define gadget_call_begins(map, function, value, events) \
	__gadget_call_begins(map, function, value, events##_lost_samples)

static __always_inline void __gadget_call_begins(void *map, __u64 function, const void *value,
						 void *lost_samples)
{
	struct gadget_call_key key = {bpf_get_current_pid_tgid(), function};

	if (bpf_map_update_elem(map, &key, value, BPF_ANY))
		__gadget_lost(lost_samples);
}

/*
 * bool gadget_call_ends(map, function, value): whether the current thread is in a call of
 * the function, which ends with that; *value is then what was kept.
 */
#define gadget_call_ends(map, function, value) \
	__gadget_call_ends(map, function, value, sizeof(*(value)))

static __always_inline bool __gadget_call_ends(void *map, __u64 function, void *value,
					       const __u64 size)
{
	struct gadget_call_key key = {bpf_get_current_pid_tgid(), function};
	void *kept = bpf_map_lookup_elem(map, &key);

	if (!kept)
		return false;
	__builtin_memcpy(value, kept, size);
	bpf_map_delete_elem(map, &key);
	return true;
}

/* Forgets all calls of the current thread, of functions below a number: it may end in them. */
static __always_inline void gadget_calls_forget(void *map, const __u64 functions)
{
	struct gadget_call_key key = {.thread = bpf_get_current_pid_tgid()};

#pragma unroll
	for (__u64 function = 0; function < functions; function++) {
		key.function = function;
		bpf_map_delete_elem(map, &key);
	}
}

#endif /* __GADGET_CALLS_H */
