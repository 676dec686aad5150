/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/*
 * What does not fit is counted for the runner, which reports it: for the buffer or map
 * NAME in `NAME_lost_samples`, one u64 per CPU at key 0.
 */

#ifndef __GADGET_LOST_H
#define __GADGET_LOST_H

#include <bpf/bpf_helpers.h>

/* Declares the counters of the buffer or map `name`. */
#define GADGET_LOST_MAP(name)                            \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); \
		__uint(max_entries, 1);                  \
		__type(key, __u32);                      \
		__type(value, __u64);                    \
	} name##_lost_samples SEC(".maps");

/* gadget_lost(map): something for the map, written with its `&`, found no room. */
#define gadget_lost(map) __gadget_lost(map##_lost_samples)

static __always_inline void __gadget_lost(void *lost_samples)
{
	__u32 zero = 0;
	__u64 *lost = bpf_map_lookup_elem(lost_samples, &zero);

	if (lost)
		(*lost)++;
}

#endif /* __GADGET_LOST_H */
