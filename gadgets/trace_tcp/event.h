/* SPDX-License-Identifier: GPL-2.0-only */

/* What an event says, and how it is sent. */

#ifndef __EVENT_H
#define __EVENT_H

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <gadget/buffer.h>
#include <gadget/common.h>
#include <gadget/macros.h>
#include <gadget/sockets.h>
#include <gadget/types.h>

enum event_type {
	connect,
	accept,
	close,
};

struct event {
	gadget_timestamp timestamp_raw;
	gadget_netns_id netns_id;
	__s32 fd;
	struct gadget_process proc;
	__s32 accept_fd;
	enum event_type type_raw;
	struct gadget_l4endpoint_t src;
	struct gadget_l4endpoint_t dst;
	gadget_errno error_raw;
	__u8 __unused[12];
};

const volatile bool connect_only = false;
const volatile bool failure_only = false;

GADGET_PARAM(connect_only);
GADGET_PARAM(failure_only);

GADGET_TRACER_MAP(events, 256 * 1024);

GADGET_TRACER(tracetcp, events, event);

/* What an event says about a call: there are more than registers for arguments. */
struct said {
	enum event_type type;
	__u32 error;
	__s32 fd;
	__s32 accept_fd;
	const void *addr; /* where the process asked for a connection that never began */
};

static __always_inline void ends(struct event *event, struct sock *sk, const struct said *said)
{
	gadget_sock_local(sk, &event->src);
	/* A socket that closes has given its port back. */
	if (!event->src.port)
		event->src.port = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	if (said->addr)
		gadget_user_address(said->addr, GADGET_IPPROTO_TCP, &event->dst);
	else
		gadget_sock_remote(sk, &event->dst);
}

/* Sends an event; that of the current process where proc is NULL. */
static __always_inline void send(void *ctx, struct sock *sk, const struct gadget_process *proc,
				 const struct said *said)
{
	struct event *event;

	if ((connect_only && said->type != connect) || (failure_only && !said->error))
		return;
	event = gadget_reserve_buf(&events, sizeof(*event));
	if (!event)
		return;

	event->timestamp_raw = bpf_ktime_get_boot_ns();
	event->netns_id = gadget_sock_netns(sk);
	if (proc)
		__builtin_memcpy(&event->proc, proc, sizeof(*proc));
	else
		gadget_process_populate(&event->proc);
	event->type_raw = said->type;
	event->error_raw = said->error;
	event->fd = said->fd;
	event->accept_fd = said->accept_fd;
	ends(event, sk, said);
	__builtin_memset(event->__unused, 0, sizeof(event->__unused));
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
}

#endif /* __EVENT_H */
