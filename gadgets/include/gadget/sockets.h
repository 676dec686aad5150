/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/* Sockets of the kernel: from a descriptor, and their addresses. */

#ifndef __GADGET_SOCKETS_H
#define __GADGET_SOCKETS_H

#include <vmlinux.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <gadget/filesystem.h>
#include <gadget/types.h>

/* From the uapi headers stat.h, socket.h and in.h. */
#define GADGET_S_IFMT      0170000
#define GADGET_S_IFSOCK    0140000
#define GADGET_AF_INET     2
#define GADGET_AF_INET6    10
#define GADGET_IPPROTO_TCP 6
#define GADGET_IPPROTO_UDP 17

/* The socket behind a descriptor of the current task, NULL if it is none. */
static __always_inline struct sock *gadget_sock_of_fd(int fd)
{
	struct file *file = get_struct_file_for_fd(fd);
	struct socket *socket;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & GADGET_S_IFMT) != GADGET_S_IFSOCK)
		return NULL;
	socket = (struct socket *)BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

/* Whether a socket is of IPv4 or IPv6. */
static __always_inline bool gadget_sock_is_ip(struct sock *sk)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	return family == GADGET_AF_INET || family == GADGET_AF_INET6;
}

/* Sets the address of an endpoint whose other bytes are zero, in network byte order. */
static __always_inline void gadget_set_v4(struct gadget_l4endpoint_t *to, __u32 addr)
{
	to->version = 4;
	to->addr_raw.v4 = addr;
}

/*
 * The same for an address of IPv6, in memory of the kernel. An IPv4 address that is
 * written as one of IPv6 becomes one of IPv4.
 */
static __always_inline void gadget_set_v6(struct gadget_l4endpoint_t *to,
					  const struct in6_addr *addr)
{
	__u32 word[4] = {};

	bpf_probe_read_kernel(word, sizeof(word), addr);
	if (!word[0] && !word[1] && word[2] == bpf_htonl(0xffff)) {
		gadget_set_v4(to, word[3]);
		return;
	}
	to->version = 6;
	__builtin_memcpy(to->addr_raw.v6, word, sizeof(word));
}

/* The local end of a socket. Every byte of *to is written. */
static __always_inline void gadget_sock_local(struct sock *sk, struct gadget_l4endpoint_t *to)
{
	__builtin_memset(to, 0, sizeof(*to));
	to->port = BPF_CORE_READ(sk, __sk_common.skc_num);
	to->proto_raw = BPF_CORE_READ(sk, sk_protocol);
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == GADGET_AF_INET6)
		gadget_set_v6(to, &sk->__sk_common.skc_v6_rcv_saddr);
	else
		gadget_set_v4(to, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
}

/* The remote end of a socket. Every byte of *to is written. */
static __always_inline void gadget_sock_remote(struct sock *sk, struct gadget_l4endpoint_t *to)
{
	__builtin_memset(to, 0, sizeof(*to));
	to->port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	to->proto_raw = BPF_CORE_READ(sk, sk_protocol);
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == GADGET_AF_INET6)
		gadget_set_v6(to, &sk->__sk_common.skc_v6_daddr);
	else
		gadget_set_v4(to, BPF_CORE_READ(sk, __sk_common.skc_daddr));
}

/* The network namespace of a socket. */
static __always_inline gadget_netns_id gadget_sock_netns(struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

/*
 * The address that a process gave to a system call, of a socket with this
 * protocol. Every byte of *to is written; version is 0 where it is not an IP address.
 */
static __always_inline void gadget_user_address(const void *addr, __u16 protocol,
						struct gadget_l4endpoint_t *to)
{
	struct sockaddr_in6 given = {};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&given;

	__builtin_memset(to, 0, sizeof(*to));
	to->proto_raw = protocol;
	/* One of IPv4 is shorter, and may end where the memory ends. */
	if (bpf_probe_read_user(&given, sizeof(*v4), addr))
		return;
	to->port = bpf_ntohs(v4->sin_port);
	if (v4->sin_family == GADGET_AF_INET) {
		gadget_set_v4(to, v4->sin_addr.s_addr);
	} else if (v4->sin_family == GADGET_AF_INET6) {
		bpf_probe_read_user(&given, sizeof(given), addr);
		gadget_set_v6(to, &given.sin6_addr);
	}
}

#endif /* __GADGET_SOCKETS_H */
