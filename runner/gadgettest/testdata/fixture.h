/* SPDX-License-Identifier: Apache-2.0 */
/* What the fixtures share: the public names of the gadget API, spelled out so
 * that the fixtures compile with nothing but libbpf's headers. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

typedef __u64 gadget_mntns_id;
typedef __u64 gadget_timestamp;
typedef __u32 gadget_signal;
typedef __u32 gadget_errno;
typedef __u32 gadget_uid;
typedef __u32 gadget_gid;
typedef __u32 gadget_file_mode;
typedef __u32 gadget_file_flags;
typedef __u32 gadget_pid;
typedef __u32 gadget_ppid;
typedef __u32 gadget_tid;
typedef __u32 gadget_ptid;
typedef __u64 gadget_syscall;
typedef __u64 gadget_bytes;
typedef __u64 gadget_duration;
typedef char gadget_comm;
typedef char gadget_pcomm;

struct gadget_creds {
	gadget_uid uid;
	gadget_gid gid;
};

struct gadget_parent {
	gadget_pcomm comm[16];
	gadget_ppid pid;
	gadget_ptid tid;
};

struct gadget_process {
	gadget_comm comm[16];
	gadget_pid pid;
	gadget_tid tid;
	gadget_mntns_id mntns_id;
	struct gadget_creds creds;
	struct gadget_parent parent;
};

union gadget_ip_addr_t {
	__u8 v6[16];
	__u32 v4;
};

struct gadget_l3endpoint_t {
	union gadget_ip_addr_t addr_raw;
	__u8 version;
};

struct gadget_l4endpoint_t {
	union gadget_ip_addr_t addr_raw;
	__u16 port;
	__u16 proto_raw;
	__u8 version;
};

#define MARK(name) const void *name __attribute__((unused))
#define TRACER(name, map, type)                       \
	MARK(gadget_tracer_##name##___##map##___##type); \
	const struct type *unused_##type __attribute__((unused))
#define PARAM(name) MARK(gadget_param_##name)

#define RING(name, size)                            \
	struct {                                    \
		__uint(type, BPF_MAP_TYPE_RINGBUF); \
		__uint(max_entries, size);          \
	} name SEC(".maps");                        \
	MARK(gadget_map_tracer_##name);             \
	struct {                                    \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); \
		__uint(max_entries, 1);             \
		__type(key, __u32);                 \
		__type(value, __u64);               \
	} name##_lost_samples SEC(".maps")

#define LOST(name)                                                       \
	({                                                               \
		__u32 zero = 0;                                          \
		__u64 *n = bpf_map_lookup_elem(&name##_lost_samples, &zero); \
		if (n)                                                   \
			*n += 1;                                         \
	})

char LICENSE[] SEC("license") = "GPL";

#endif
