/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/*
 * Only the containers that were selected: the runner fills the map with their
 * mount namespaces and sets gadget_filter_by_mntns. Both names are reserved.
 */

#ifndef __GADGET_MNTNS_FILTER_H
#define __GADGET_MNTNS_FILTER_H

/* Gadgets written for this header count on all three. */
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <gadget/types.h>

/* Whether containers are chosen; the runner sets it. */
const volatile bool gadget_filter_by_mntns = false;

/* The mount namespaces that were selected; the runner fills it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, gadget_mntns_id);
	__type(value, __u32);
} gadget_mntns_filter_map SEC(".maps");

/* Whether events of this mount namespace are not requested. */
static __always_inline bool gadget_should_discard_mntns_id(gadget_mntns_id mntns_id)
{
	if (!gadget_filter_by_mntns)
		return false;

	return bpf_map_lookup_elem(&gadget_mntns_filter_map, &mntns_id) == NULL;
}

#endif /* __GADGET_MNTNS_FILTER_H */
