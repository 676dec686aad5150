// SPDX-License-Identifier: GPL-2.0-only

/*
 * What each process reads from block devices and writes to them, and how long that
 * takes. A request belongs to the process that runs when the kernel makes it.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/blockio.h>
#include <gadget/common.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/mapiter.h>
#include <gadget/types.h>

enum rw_type {
	read,
	write,
};

struct io_key {
	struct gadget_process proc;
	__u32 major;
	__u32 minor;
	enum rw_type rw_raw;
	__u32 __unused;
};

struct io_value {
	__u64 bytes;
	__u64 us;
	__u32 io;
	__u32 __unused2;
};

/* From the beginning of a request to its end. */
struct io_start {
	struct io_key key;
	__u64 time;
};

/* By the address of the request, which is one of a fixed number for each device. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GADGET_BLOCKIO_MAX);
	__type(key, __u64);
	__type(value, struct io_start);
} starts SEC(".maps");

GADGET_MAPITER_MAP(counts, io_key, io_value, 10240);
GADGET_MAPITER(blockio, counts);

static __always_inline int begin(struct request *rq)
{
	struct gendisk *disk = get_disk(rq);
	struct io_start start = {};
	__u64 request = (__u64)rq;

	gadget_process_populate(&start.key.proc);
	start.key.major = BPF_CORE_READ(disk, major);
	start.key.minor = BPF_CORE_READ(disk, first_minor);
	start.key.rw_raw = gadget_blockio_writes(rq) ? write : read;
	start.time = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&starts, &request, &start, BPF_ANY))
		gadget_lost(&counts);
	return 0;
}

SEC("raw_tracepoint/block_io_start")
int io_begin(struct bpf_raw_tracepoint_args *ctx)
{
	struct request *rq = (struct request *)ctx->args[0];

	if (gadget_should_discard_data_current() || !gadget_blockio_bytes(rq))
		return 0;
	return begin(rq);
}

/* Before 6.5 no tracepoint reports a request when it is made. */
SEC("raw_tracepoint/block_rq_issue")
int io_begin__fallback(struct bpf_raw_tracepoint_args *ctx)
{
	struct request *rq = (struct request *)ctx->args[0];

	if (gadget_should_discard_data_current())
		return 0;
	if (!gadget_blockio_is_request(rq)) {
		gadget_lost(&counts);
		return 0;
	}
	return gadget_blockio_bytes(rq) ? begin(rq) : 0;
}

/* A request may end in parts. */
SEC("raw_tracepoint/block_rq_complete")
int io_complete(struct bpf_raw_tracepoint_args *ctx)
{
	struct request *rq = (struct request *)ctx->args[0];
	__u32 bytes = ctx->args[2];
	struct io_value *value, none = {};
	__u64 request = (__u64)rq;
	struct io_start *start;
	bool last;

	start = bpf_map_lookup_elem(&starts, &request);
	if (!start)
		return 0;

	last = bytes >= gadget_blockio_bytes(rq);
	value = gadget_entry(&counts, &start->key, &none);
	if (value) {
		__sync_fetch_and_add(&value->bytes, bytes);
		if (last) {
			__sync_fetch_and_add(&value->us, (bpf_ktime_get_ns() - start->time) / 1000);
			__sync_fetch_and_add(&value->io, 1);
		}
	}
	if (last)
		bpf_map_delete_elem(&starts, &request);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
