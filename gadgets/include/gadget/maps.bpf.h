/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/* What the map helpers lack. */

#ifndef __GADGET_MAPS_BPF_H
#define __GADGET_MAPS_BPF_H

#include <bpf/bpf_helpers.h>

/* vmlinux.h has no errno values, and the headers of libc may not be there. */
#ifndef EEXIST
#define EEXIST 17
#endif

/*
 * The value at *key, first set to *init where the key is new. NULL where the map
 * is full, or the key was deleted in between.
 */
static __always_inline void *bpf_map_lookup_or_try_init(void *map, const void *key,
							const void *init)
{
	void *value = bpf_map_lookup_elem(map, key);
	long err;

	if (value)
		return value;

	/* Another CPU may have been first: then its value is the one to return. */
	err = bpf_map_update_elem(map, key, init, BPF_NOEXIST);
	if (err && err != -EEXIST)
		return NULL;

	return bpf_map_lookup_elem(map, key);
}

#endif /* __GADGET_MAPS_BPF_H */
