// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for every address of IP that a process binds a socket to. The event
 * is made at the exit of the call, from the socket: it has the port that the
 * kernel chose where the process left that to it.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/buffer.h>
#include <gadget/common.h>
#include <gadget/errno.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/pending.h>
#include <gadget/sockets.h>
#include <gadget/types.h>

/* From the uapi header socket.h: values of sk_reuse. */
#define SK_CAN_REUSE 1

enum bind_options_set : __u8 {
	FREEBIND = 0x01,
	TRANSPARENT = 0x02,
	BIND_ADDRESS_NO_PORT = 0x04,
	REUSEADDRESS = 0x08,
	REUSEPORT = 0x10,
};

struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_l4endpoint_t addr;
	struct gadget_process proc;

	gadget_errno error_raw;
	__u32 bound_dev_if;
	enum bind_options_set opts_raw;
	__u8 __unused[7];
};

const volatile bool ignore_errors = true;

GADGET_PARAM(ignore_errors);

/* From the entry of the system call to its exit. */
struct bind_call {
	const void *addr;
	int fd;
};

GADGET_PENDING_MAP(calls, bind_call, 4096);
GADGET_TRACER_MAP(events, 256 * 1024);

GADGET_TRACER(bind, events, event);

/* The options are bits of their own until 6.6, and then bits of one word. */
struct inet_sock___bits {
	__u8 freebind : 1;
	__u8 transparent : 1;
	__u8 bind_address_no_port : 1;
} __attribute__((preserve_access_index));

struct inet_sock___word {
	unsigned long inet_flags;
} __attribute__((preserve_access_index));

#define INET_FLAGS_FREEBIND             11
#define INET_FLAGS_TRANSPARENT          15
#define INET_FLAGS_BIND_ADDRESS_NO_PORT 18

static __always_inline __u8 inet_options(struct sock *sk)
{
	struct inet_sock___bits *bits = (void *)sk;
	struct inet_sock___word *word = (void *)sk;
	unsigned long flags;

	if (bpf_core_field_exists(bits->freebind))
		return (BPF_CORE_READ_BITFIELD_PROBED(bits, freebind) ? FREEBIND : 0) |
		       (BPF_CORE_READ_BITFIELD_PROBED(bits, transparent) ? TRANSPARENT : 0) |
		       (BPF_CORE_READ_BITFIELD_PROBED(bits, bind_address_no_port)
				? BIND_ADDRESS_NO_PORT
				: 0);

	flags = BPF_CORE_READ(word, inet_flags);
	return (flags & 1UL << INET_FLAGS_FREEBIND ? FREEBIND : 0) |
	       (flags & 1UL << INET_FLAGS_TRANSPARENT ? TRANSPARENT : 0) |
	       (flags & 1UL << INET_FLAGS_BIND_ADDRESS_NO_PORT ? BIND_ADDRESS_NO_PORT : 0);
}

static __always_inline __u8 options(struct sock *sk)
{
	__u8 set = inet_options(sk);

	if (BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuse) >= SK_CAN_REUSE)
		set |= REUSEADDRESS;
	if (BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuseport))
		set |= REUSEPORT;
	return set;
}

static __always_inline void send(void *ctx, const struct bind_call *call, long ret)
{
	struct sock *sk = gadget_sock_of_fd(call->fd);
	struct event *event;

	if (!sk || !gadget_sock_is_ip(sk))
		return;
	event = gadget_reserve_buf(&events, sizeof(*event));
	if (!event)
		return;

	event->timestamp_raw = bpf_ktime_get_boot_ns();
	if (ret < 0)
		gadget_user_address(call->addr, BPF_CORE_READ(sk, sk_protocol), &event->addr);
	else
		gadget_sock_local(sk, &event->addr);
	gadget_process_populate(&event->proc);
	event->error_raw = gadget_errno_of(ret);
	event->bound_dev_if = BPF_CORE_READ(sk, __sk_common.skc_bound_dev_if);
	event->opts_raw = options(sk);
	__builtin_memset(event->__unused, 0, sizeof(event->__unused));
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
}

SEC("tracepoint/syscalls/sys_enter_bind")
int enter_bind(struct syscall_trace_enter *ctx)
{
	struct bind_call call = {.addr = (const void *)ctx->args[1], .fd = ctx->args[0]};

	if (!gadget_should_discard_data_current())
		gadget_keep(&calls, &call, &events);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_bind")
int exit_bind(struct syscall_trace_exit *ctx)
{
	struct bind_call *kept = gadget_kept(&calls), call;

	if (!kept)
		return 0;
	call = *kept;
	gadget_forget(&calls);
	if (ctx->ret < 0 && ignore_errors)
		return 0;

	send(ctx, &call, ctx->ret);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
