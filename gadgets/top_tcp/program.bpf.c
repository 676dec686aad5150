// SPDX-License-Identifier: GPL-2.0-only

/*
 * What each thread sends and receives over connections of TCP. Linux 6.3 has tracepoints
 * that tell; before it is what functions of TCP are given and return.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <gadget/common.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/mapiter.h>
#include <gadget/sockets.h>
#include <gadget/types.h>

/* From the kernel's header linux/socket.h: the bytes stay in the socket. */
#define MSG_PEEK 2

struct top_tcp_key {
	gadget_mntns_id mntns_id;
	gadget_pid pid;
	gadget_tid tid;
	gadget_comm comm[TASK_COMM_LEN];
	struct gadget_l4endpoint_t src;
	struct gadget_l4endpoint_t dst;
};

struct traffic {
	gadget_bytes sent_raw;
	gadget_bytes received_raw;
};

const volatile int target_family = -1;

GADGET_PARAM(target_family);

GADGET_MAPITER_MAP(stats, top_tcp_key, traffic, 10240);
GADGET_MAPITER(tcp, stats);

const struct traffic nothing = {};

static __always_inline bool is_wanted(struct sock *sk)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	if (family == GADGET_AF_INET ? target_family == 6 : target_family == 4)
		return false;
	return gadget_sock_is_ip(sk) &&
	       BPF_CORE_READ_BITFIELD_PROBED(sk, sk_protocol) == GADGET_IPPROTO_TCP &&
	       !gadget_should_discard_data_current();
}

static __always_inline struct traffic *traffic_of(struct sock *sk)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct top_tcp_key key;

	__builtin_memset(&key, 0, sizeof(key));
	key.mntns_id = gadget_get_current_mntns_id();
	key.pid = id >> 32;
	key.tid = (__u32)id;
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	gadget_sock_local(sk, &key.src);
	gadget_sock_remote(sk, &key.dst);
	return gadget_entry(&stats, &key, &nothing);
}

static __always_inline int sends(struct sock *sk, int bytes)
{
	struct traffic *traffic;

	if (bytes <= 0 || !is_wanted(sk))
		return 0;
	traffic = traffic_of(sk);
	if (traffic)
		__sync_fetch_and_add(&traffic->sent_raw, bytes);
	return 0;
}

static __always_inline int receives(struct sock *sk, int bytes)
{
	struct traffic *traffic;

	if (bytes <= 0 || !is_wanted(sk))
		return 0;
	traffic = traffic_of(sk);
	if (traffic)
		__sync_fetch_and_add(&traffic->received_raw, bytes);
	return 0;
}

/* Arguments: the socket, what the call returns, its flags. */
SEC("raw_tracepoint/sock_send_length")
int sent(struct bpf_raw_tracepoint_args *ctx)
{
	return sends((struct sock *)ctx->args[0], ctx->args[1]);
}

SEC("fexit/tcp_sendmsg")
int BPF_PROG(sent__fallback, struct sock *sk, struct msghdr *msg, size_t size, int ret)
{
	return sends(sk, ret);
}

/* arm64 has neither fentry nor fexit before 6.4. */
SEC("kprobe/tcp_sendmsg")
int BPF_KPROBE(sent__fallback__fallback, struct sock *sk, struct msghdr *msg, size_t size)
{
	return sends(sk, size);
}

SEC("raw_tracepoint/sock_recv_length")
int received(struct bpf_raw_tracepoint_args *ctx)
{
	if (ctx->args[2] & MSG_PEEK)
		return 0;
	return receives((struct sock *)ctx->args[0], ctx->args[1]);
}

SEC("fentry/tcp_cleanup_rbuf")
int BPF_PROG(received__fallback, struct sock *sk, int copied)
{
	return receives(sk, copied);
}

SEC("kprobe/tcp_cleanup_rbuf")
int BPF_KPROBE(received__fallback__fallback, struct sock *sk, int copied)
{
	return receives(sk, copied);
}

char LICENSE[] SEC("license") = "GPL";
