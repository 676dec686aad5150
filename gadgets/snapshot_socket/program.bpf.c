// SPDX-License-Identifier: GPL-2.0-only

/* One entry for every socket of TCP and UDP. */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/macros.h>
#include <gadget/sockets.h>
#include <gadget/types.h>

/* From the kernel's header tcp_states.h, which has no type of its own for them. */
enum socket_state {
	ESTABLISHED = 1,
	SYN_SENT,
	SYN_RECV,
	FIN_WAIT1,
	FIN_WAIT2,
	TIME_WAIT,
	CLOSE,
	CLOSE_WAIT,
	LAST_ACK,
	LISTEN,
	CLOSING,
	NEW_SYN_RECV,
};

struct socket_entry {
	struct gadget_l4endpoint_t src;
	struct gadget_l4endpoint_t dst;
	enum socket_state state_raw;
	__u32 ino;
	gadget_netns_id netns_id;
	__u32 __unused;
};

GADGET_ITER(sockets, socket_entry, tcp_sockets, udp_sockets);

static __always_inline void write(struct seq_file *seq, struct sock *sk, __u16 protocol, __u32 ino)
{
	struct socket_entry entry = {};

	gadget_sock_local(sk, &entry.src);
	gadget_sock_remote(sk, &entry.dst);
	entry.src.proto_raw = entry.dst.proto_raw = protocol;
	entry.state_raw = BPF_CORE_READ(sk, __sk_common.skc_state);
	entry.netns_id = gadget_sock_netns(sk);
	entry.ino = ino;
	bpf_seq_write(seq, &entry, sizeof(entry));
}

static __always_inline __u32 inode_of(struct sock *sk)
{
	struct socket *socket = BPF_CORE_READ(sk, sk_socket);

	/* The inode of a socket is in one piece of memory with it. */
	if (!socket)
		return 0;
	return BPF_CORE_READ((struct socket_alloc *)socket, vfs_inode.i_ino);
}

/*
 * The socket may be a request that is not yet connected or one that waits for its
 * end: these have the common part alone.
 */
SEC("iter/tcp")
int tcp_sockets(struct bpf_iter__tcp *ctx)
{
	struct sock *sk = (struct sock *)ctx->sk_common;
	__u8 state;

	if (!sk)
		return 0;
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	write(ctx->meta->seq, sk, GADGET_IPPROTO_TCP,
	      state == TIME_WAIT || state == NEW_SYN_RECV ? 0 : inode_of(sk));
	return 0;
}

SEC("iter/udp")
int udp_sockets(struct bpf_iter__udp *ctx)
{
	struct sock *sk = (struct sock *)ctx->udp_sk;

	if (sk)
		write(ctx->meta->seq, sk, GADGET_IPPROTO_UDP, inode_of(sk));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
