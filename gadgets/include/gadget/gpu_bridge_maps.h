/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/*
 * The maps in which a GPU bridge publishes its telemetry, by their pinned names.
 * Define before this header which ones the gadget reads: GPU_BRIDGE_WANT_META,
 * _DEVICE, _PER_PID, _PER_PID_PER_DEVICE, or GPU_BRIDGE_WANT_ALL.
 */

#ifndef __GADGET_GPU_BRIDGE_MAPS_H
#define __GADGET_GPU_BRIDGE_MAPS_H

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/gpu_types.h>

#ifdef GPU_BRIDGE_WANT_ALL
#define GPU_BRIDGE_WANT_META
#define GPU_BRIDGE_WANT_DEVICE
#define GPU_BRIDGE_WANT_PER_PID
#define GPU_BRIDGE_WANT_PER_PID_PER_DEVICE
#endif

#define __gadget_gpu_map(name, kind, entries, key_type, value_type) \
	struct {                                                    \
		__uint(type, kind);                                 \
		__uint(max_entries, entries);                       \
		__type(key, key_type);                              \
		__type(value, value_type);                          \
		__uint(pinning, LIBBPF_PIN_BY_NAME);                \
	} name SEC(".maps")

#ifdef GPU_BRIDGE_WANT_META
/* The state of the bridge, at key 0. */
__gadget_gpu_map(gpu_meta, BPF_MAP_TYPE_ARRAY, 1, __u32, struct gpu_meta);

/* The state of the bridge, or NULL where it has not written for so long. */
static __always_inline struct gpu_meta *gpu_meta_fresh(__u64 now_boot_ns, __u64 stale_threshold_ms)
{
	__u32 zero = 0;
	struct gpu_meta *meta = bpf_map_lookup_elem(&gpu_meta, &zero);
	__u64 limit_ns = stale_threshold_ms * 1000 * 1000;

	if (!meta || now_boot_ns - meta->last_update_boottime_ns > limit_ns)
		return NULL;
	return meta;
}
#endif

#ifdef GPU_BRIDGE_WANT_DEVICE
/* What the bridge has recorded about each device, by its index. */
__gadget_gpu_map(gpu_device, BPF_MAP_TYPE_ARRAY, GPU_MAX_DEVICES, __u32, struct gpu_device_metrics);
#endif

#ifdef GPU_BRIDGE_WANT_PER_PID
/* What each process holds on all devices, by its id. */
__gadget_gpu_map(gpu_per_pid, BPF_MAP_TYPE_LRU_HASH, 4096, __u32,
		 struct gpu_pid_metrics_aggregated);

/* What the process holds, or NULL where that is less memory than given. */
static __always_inline struct gpu_pid_metrics_aggregated *gpu_pid_holder(__u32 tgid,
									 __u64 min_gpu_mem_bytes)
{
	struct gpu_pid_metrics_aggregated *held = bpf_map_lookup_elem(&gpu_per_pid, &tgid);

	if (!held || held->used_gpu_memory_total < min_gpu_mem_bytes)
		return NULL;
	return held;
}
#endif

#ifdef GPU_BRIDGE_WANT_PER_PID_PER_DEVICE
/* What each process holds on a device: the id of the process and the index of the device. */
__gadget_gpu_map(gpu_per_pid_per_device, BPF_MAP_TYPE_LRU_HASH, 4096, __u64,
		 struct gpu_pid_metrics);
#endif

#endif /* __GADGET_GPU_BRIDGE_MAPS_H */
