/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/*
 * Maps that a data source reads (see GADGET_MAPITER). What finds no room is counted
 * (lost.h).
 */

#ifndef __GADGET_MAPITER_H
#define __GADGET_MAPITER_H

#include <bpf/bpf_helpers.h>

#include <gadget/lost.h>
#include <gadget/maps.bpf.h>

/* Declares the hash map `name` of at most `entries` pairs of two structs. */
#define GADGET_MAPITER_MAP(name, key_struct, value_struct, entries) \
	struct {                                                    \
		__uint(type, BPF_MAP_TYPE_HASH);                    \
		__uint(max_entries, entries);                       \
		__type(key, struct key_struct);                     \
		__type(value, struct value_struct);                 \
	} name SEC(".maps");                                        \
	GADGET_LOST_MAP(name)

/*
 * void *gadget_entry(map, key, init): the value at *key, first set to *init where
 * the key is new. NULL where there is no room for it, which is counted. `map` is
 * written with its `&`.
 */
#define gadget_entry(map, key, init) __gadget_entry(map, map##_lost_samples, key, init)

static __always_inline void *__gadget_entry(void *map, void *lost_samples, const void *key,
					    const void *init)
{
	void *value = bpf_map_lookup_or_try_init(map, key, init);

	if (!value)
		__gadget_lost(lost_samples);
	return value;
}

#endif /* __GADGET_MAPITER_H */
