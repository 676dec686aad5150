/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/*
 * Requests to block devices, as raw tracepoints hand them over. These run also
 * while another program does on the same CPU, which tracepoints do not: a request
 * that ends in the middle of the beginning of another one would be missed.
 */

#ifndef __GADGET_BLOCKIO_H
#define __GADGET_BLOCKIO_H

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/core_fixes.bpf.h>

/* How many requests can be on their way at the same time. */
#define GADGET_BLOCKIO_MAX 16384

/* The operation in cmd_flags; those that are odd send data to the device. */
#define __GADGET_REQ_OP_WRITE 1

/* Whether the request sends data to the device. */
static __always_inline bool gadget_blockio_writes(struct request *rq)
{
	return BPF_CORE_READ(rq, cmd_flags) & __GADGET_REQ_OP_WRITE;
}

/* The bytes that are not transferred yet; 0 of a request without data, such as a flush. */
static __always_inline __u32 gadget_blockio_bytes(struct request *rq)
{
	return BPF_CORE_READ(rq, __data_len);
}

/*
 * Whether what block_rq_issue hands over first is a request. Kernels before 5.11,
 * and before 5.10.137, put the queue before it.
 */
static __always_inline bool gadget_blockio_is_request(struct request *rq)
{
	struct request_queue *queue = BPF_CORE_READ(rq, q);

	return queue && BPF_CORE_READ(rq, mq_hctx, queue) == queue;
}

#endif /* __GADGET_BLOCKIO_H */
