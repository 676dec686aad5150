// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for every TCP connection that a process begins, accepts or ends. A
 * connection begins and ends when its socket changes state, often in an interrupt:
 * the process that it belongs to is kept from the call that made it.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/common.h>
#include <gadget/errno.h>
#include <gadget/filter.h>
#include <gadget/pending.h>
#include <gadget/sockets.h>
#include <gadget/types.h>

#include "event.h"

/* From the uapi headers errno.h and net.h, and the kernel's net/sock.h. */
#define EINTR         4
#define EAGAIN        11
#define ECONNRESET    104
#define EINPROGRESS   115
#define SHUTDOWN_MASK 3

/* From the entry of connect or accept to its exit. */
struct tcp_call {
	const void *addr;
	struct sock *sk; /* that began to connect in this call, NULL if none has */
	int fd;
	__u32 __unused;
};

/* Who began or accepted a connection, by its socket. */
struct owner {
	struct gadget_process proc;
	__s32 fd;
	__u32 connecting;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct sock *);
	__type(value, struct owner);
} owners SEC(".maps");

GADGET_PENDING_MAP(calls, tcp_call, 4096);

static __always_inline bool is_tcp(struct sock *sk)
{
	return gadget_sock_is_ip(sk) && BPF_CORE_READ(sk, sk_protocol) == GADGET_IPPROTO_TCP;
}

static __always_inline void own(struct sock *sk, int fd, bool connecting)
{
	struct owner owner = {.fd = fd, .connecting = connecting};

	gadget_process_populate(&owner.proc);
	if (bpf_map_update_elem(&owners, &sk, &owner, BPF_ANY))
		gadget_lost(&events);
}

/* The socket sends the first packet of a connection. */
static __always_inline void begins(struct sock *sk)
{
	struct tcp_call *call;

	if (gadget_should_discard_data_current() || !is_tcp(sk))
		return;
	call = gadget_kept(&calls);
	if (call)
		call->sk = sk;
	own(sk, call ? call->fd : -1, true);
}

static __always_inline void established(void *ctx, struct sock *sk)
{
	struct owner *owner = bpf_map_lookup_elem(&owners, &sk);
	struct said said = {.type = connect, .accept_fd = -1};

	if (!owner || !owner->connecting)
		return;
	owner->connecting = false;
	said.fd = owner->fd;
	send(ctx, sk, &owner->proc, &said);
}

/* The socket closes before there was a connection. */
static __always_inline void never_established(void *ctx, struct sock *sk)
{
	struct owner *owner = bpf_map_lookup_elem(&owners, &sk);
	struct said said = {.type = connect, .accept_fd = -1};
	struct tcp_call *call;

	if (!owner || !owner->connecting)
		return;
	said.error = BPF_CORE_READ(sk, sk_err);
	call = gadget_kept(&calls);
	if (!said.error && call && call->sk == sk) {
		/* The reason is what the call returns. */
		call->sk = NULL;
		return;
	}
	/* The process gave up. The kernel sets this error after the state. */
	if (!said.error)
		said.error = ECONNRESET;
	said.fd = owner->fd;
	send(ctx, sk, &owner->proc, &said);
}

/* The connection ends: by the process that runs now, or by the other end. */
static __always_inline void ended(void *ctx, struct sock *sk, int state)
{
	struct said said = {.type = close, .fd = -1, .accept_fd = -1};
	struct gadget_process nobody = {};
	struct owner *owner;
	bool current = state != TCP_CLOSE ||
		       BPF_CORE_READ_BITFIELD_PROBED(sk, sk_shutdown) == SHUTDOWN_MASK;

	if (current) {
		if (!gadget_should_discard_data_current() && is_tcp(sk))
			send(ctx, sk, NULL, &said);
		return;
	}
	said.error = BPF_CORE_READ(sk, sk_err);
	owner = bpf_map_lookup_elem(&owners, &sk);
	if (owner)
		send(ctx, sk, &owner->proc, &said);
	else if (!gadget_should_discard_data_by_skb(NULL) && is_tcp(sk))
		send(ctx, sk, &nobody, &said);
}

/*
 * Sockets of other protocols have these states, too. What a socket is costs more to find
 * out than whether the process is requested, or that the socket has no owner.
 */
SEC("raw_tracepoint/inet_sock_set_state")
int set_state(struct bpf_raw_tracepoint_args *ctx)
{
	struct sock *sk = (struct sock *)ctx->args[0];
	int before = ctx->args[1], now = ctx->args[2];

	if (now == TCP_SYN_SENT)
		begins(sk);
	else if (now == TCP_ESTABLISHED)
		established(ctx, sk);
	else if (now == TCP_CLOSE && (before == TCP_SYN_SENT || before == TCP_SYN_RECV))
		never_established(ctx, sk);
	else if (now == TCP_FIN_WAIT1 || now == TCP_LAST_ACK ||
		 (now == TCP_CLOSE && (before == TCP_ESTABLISHED || before == TCP_CLOSE_WAIT)))
		ended(ctx, sk, now);
	if (now == TCP_CLOSE)
		bpf_map_delete_elem(&owners, &sk);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_connect")
int enter_connect(struct syscall_trace_enter *ctx)
{
	struct tcp_call call = {.addr = (const void *)ctx->args[1], .fd = ctx->args[0]};
	struct sock *sk;

	if (gadget_should_discard_data_current())
		return 0;
	sk = gadget_sock_of_fd(call.fd);
	/* A later call only returns how the first one ended. */
	if (sk && is_tcp(sk) && BPF_CORE_READ(sk, sk_socket, state) == SS_UNCONNECTED)
		gadget_keep(&calls, &call, &events);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_connect")
int exit_connect(struct syscall_trace_exit *ctx)
{
	struct tcp_call *kept = gadget_kept(&calls);
	struct said said = {.type = connect, .accept_fd = -1};
	struct sock *begun, *sk;

	if (!kept)
		return 0;
	said.fd = kept->fd;
	said.addr = kept->addr;
	begun = kept->sk;
	gadget_forget(&calls);
	said.error = gadget_errno_of(ctx->ret);
	if (begun || !said.error || said.error == EINPROGRESS || said.error == EINTR)
		return 0;
	sk = gadget_sock_of_fd(said.fd);
	if (sk && is_tcp(sk))
		send(ctx, sk, NULL, &said);
	return 0;
}

static __always_inline int enter_accepts(struct syscall_trace_enter *ctx)
{
	struct tcp_call call = {.fd = ctx->args[0]};

	if (!connect_only && !gadget_should_discard_data_current())
		gadget_keep(&calls, &call, &events);
	return 0;
}

static __always_inline int exit_accepts(struct syscall_trace_exit *ctx)
{
	struct tcp_call *kept = gadget_kept(&calls);
	struct said said = {.type = accept, .accept_fd = -1};
	struct sock *sk;

	if (!kept)
		return 0;
	said.fd = kept->fd;
	gadget_forget(&calls);
	said.error = gadget_errno_of(ctx->ret);
	if (said.error == EAGAIN || said.error == EINTR)
		return 0;
	if (!said.error)
		said.accept_fd = ctx->ret;
	sk = gadget_sock_of_fd(said.error ? said.fd : said.accept_fd);
	if (!sk || !is_tcp(sk))
		return 0;
	if (!said.error && BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_CLOSE)
		own(sk, said.accept_fd, false);
	send(ctx, sk, NULL, &said);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_accept")
int enter_accept(struct syscall_trace_enter *ctx)
{
	return enter_accepts(ctx);
}

SEC("tracepoint/syscalls/sys_exit_accept")
int exit_accept(struct syscall_trace_exit *ctx)
{
	return exit_accepts(ctx);
}

SEC("tracepoint/syscalls/sys_enter_accept4")
int enter_accept4(struct syscall_trace_enter *ctx)
{
	return enter_accepts(ctx);
}

SEC("tracepoint/syscalls/sys_exit_accept4")
int exit_accept4(struct syscall_trace_exit *ctx)
{
	return exit_accepts(ctx);
}

char LICENSE[] SEC("license") = "GPL";
