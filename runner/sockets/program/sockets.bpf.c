/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Who owns a socket: fills gadget_sockets of <gadget/sockets-map.h> without
 * kprobes. An iterator over the files of all tasks finds the sockets that there
 * are; tracepoints of system calls find those that get a port later. Where a
 * call gives the socket its port and sends at once, the packet itself is met
 * before any tap sees it.
 *
 * The kernel's types are spelled out as far as they are used, so that the object
 * is the same for every architecture.
 */

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#define bool         _Bool
#define true         1
#define false        0
#define NULL         ((void *)0)
#define AF_INET      2
#define AF_INET6     10
#define IPPROTO_TCP  6
#define IPPROTO_UDP  17
#define TCP_CLOSE    7
#define S_IFMT       0170000
#define S_IFSOCK     0140000
#define SOCKFS_MAGIC 0x534F434B
#define COMM_LEN     16
#define MAX_SOCKETS  16384
#define MAX_CALLS    4096

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	unsigned short skc_family;
	unsigned char skc_ipv6only : 1;
	possible_net_t skc_net;
};

struct socket {
	struct sock *sk;
};

struct sock {
	struct sock_common __sk_common;
	unsigned short sk_protocol;
};

struct inet_sock {
	__be16 inet_sport;
};

struct sk_buff {
	struct sock *sk;
};

struct super_block {
	unsigned long s_magic;
};

struct inode {
	unsigned short i_mode;
	struct super_block *i_sb;
};

struct file {
	struct inode *f_inode;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

typedef struct {
	unsigned int val;
} kuid_t;

typedef struct {
	unsigned int val;
} kgid_t;

struct cred {
	kuid_t uid;
	kgid_t gid;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct task_struct {
	int pid;
	int tgid;
	char comm[COMM_LEN];
	const struct cred *cred;
	struct nsproxy *nsproxy;
	struct task_struct *real_parent;
	struct files_struct *files;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	unsigned int fd;
	struct file *file;
};

#pragma clang attribute pop

/* As <gadget/sockets-map.h> has it. */
struct gadget_socket_key {
	__u32 netns;
	__u16 family;
	__u8 proto;
	__u16 port;
};

/*
 * As <gadget/types.h> has it, without the optional fields. Gadgets are relocated
 * against this one.
 */
struct gadget_socket_value {
	__u64 mntns;
	__u64 pid_tgid;
	__u64 uid_gid;
	char task[COMM_LEN];
	char ptask[COMM_LEN];
	__u64 sock;
	__u64 deletion_timestamp;
	__u32 ppid;
	__u32 ptid;
	char ipv6only;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SOCKETS);
	__type(key, struct gadget_socket_key);
	__type(value, struct gadget_socket_value);
} gadget_sockets SEC(".maps");

/* The socket without a port of a thread that is in a system call. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_CALLS);
	__type(key, __u32);
	__type(value, __u64);
} calls SEC(".maps");

/* The owners of these sockets. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_CALLS);
	__type(key, __u64);
	__type(value, struct gadget_socket_value);
} unbound SEC(".maps");

/* How many such calls there are: none, nearly always. */
static int in_calls;

/* What the iterator writes for every socket. */
struct seen {
	struct gadget_socket_key key;
	__u64 sock;
};

/* For user space, which reads the structs out of the object's types. */
const struct seen *unused_seen __attribute__((unused));

/* The key of sk; false when gadgets do not ask for such sockets. */
static __always_inline bool key_of(struct sock *sk, struct gadget_socket_key *key)
{
	key->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (key->family != AF_INET && key->family != AF_INET6)
		return false;

	key->proto = BPF_CORE_READ(sk, sk_protocol);
	if (key->proto != IPPROTO_TCP && key->proto != IPPROTO_UDP)
		return false;

	key->port = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	key->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	return true;
}

static __always_inline void owner_of(struct task_struct *task, struct sock *sk,
				     struct gadget_socket_value *value)
{
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);

	value->mntns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	value->pid_tgid = (__u64)BPF_CORE_READ(task, tgid) << 32 | (__u32)BPF_CORE_READ(task, pid);
	value->uid_gid = (__u64)BPF_CORE_READ(task, cred, gid.val) << 32 |
			 BPF_CORE_READ(task, cred, uid.val);
	bpf_probe_read_kernel_str(value->task, sizeof(value->task), &task->comm);
	bpf_probe_read_kernel_str(value->ptask, sizeof(value->ptask), &parent->comm);
	value->ppid = BPF_CORE_READ(parent, tgid);
	value->ptid = BPF_CORE_READ(parent, pid);
	value->sock = (__u64)sk;
	value->ipv6only = BPF_CORE_READ_BITFIELD_PROBED(&sk->__sk_common, skc_ipv6only);
}

/* The internet socket of a file, or NULL. */
static __always_inline struct sock *sock_of(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct socket *socket = BPF_CORE_READ(file, private_data);

	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFSOCK ||
	    BPF_CORE_READ(inode, i_sb, s_magic) != SOCKFS_MAGIC)
		return NULL;
	return BPF_CORE_READ(socket, sk);
}

SEC("iter/task_file")
int existing(struct bpf_iter__task_file *ctx)
{
	struct gadget_socket_value value = {};
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct seen seen = {};
	struct sock *sk;

	if (!task || !file)
		return 0;
	sk = sock_of(file);
	if (!sk || !key_of(sk, &seen.key) || !seen.key.port)
		return 0;

	seen.sock = (__u64)sk;
	bpf_seq_write(ctx->meta->seq, &seen, sizeof(seen));
	owner_of(task, sk, &value);
	/* The first that has the socket is its owner; what the tracepoints know is newer. */
	bpf_map_update_elem(&gadget_sockets, &seen.key, &value, BPF_NOEXIST);
	return 0;
}

static __always_inline struct sock *sock_of_fd(int fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;

	if (fd < 0 || (__u32)fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), &files[fd]);
	return file ? sock_of(file) : NULL;
}

/* A call begins that may give the socket a port. */
static __always_inline int call_begins(int fd)
{
	struct gadget_socket_value value = {}, *known;
	__u32 tid = bpf_get_current_pid_tgid();
	struct gadget_socket_key key = {};
	struct sock *sk = sock_of_fd(fd);
	__u64 address = (__u64)sk;

	if (!sk || !key_of(sk, &key))
		return 0;
	if (key.port) {
		known = bpf_map_lookup_elem(&gadget_sockets, &key);
		if (known && known->sock == address)
			return 0;
	}

	owner_of((void *)bpf_get_current_task(), sk, &value);
	if (key.port) {
		bpf_map_update_elem(&gadget_sockets, &key, &value, BPF_ANY);
		return 0;
	}
	bpf_map_update_elem(&unbound, &address, &value, BPF_ANY);
	bpf_map_update_elem(&calls, &tid, &address, BPF_ANY);
	__sync_fetch_and_add(&in_calls, 1);
	return 0;
}

/* The socket got a port, if it has one now. */
static __always_inline void bound(struct sock *sk, struct gadget_socket_value *value)
{
	struct gadget_socket_key key = {};

	if (key_of(sk, &key) && key.port)
		bpf_map_update_elem(&gadget_sockets, &key, value, BPF_ANY);
}

static __always_inline int call_ends(void)
{
	__u32 tid = bpf_get_current_pid_tgid();
	__u64 *found = bpf_map_lookup_elem(&calls, &tid), address;
	struct gadget_socket_value *value;

	if (!found)
		return 0;
	address = *found;
	bpf_map_delete_elem(&calls, &tid);
	__sync_fetch_and_add(&in_calls, -1);
	value = bpf_map_lookup_elem(&unbound, &address);
	if (!value)
		return 0;
	bound((struct sock *)address, value);
	bpf_map_delete_elem(&unbound, &address);
	return 0;
}

/* What tracepoints of system calls give: a header, the number, the arguments. */
struct enter {
	__u64 header;
	__u64 number;
	__u64 args[6];
};

#define CALL(name)                                  \
	SEC("tracepoint/syscalls/sys_enter_" #name) \
	int name##_begins(struct enter *ctx)        \
	{                                           \
		return call_begins(ctx->args[0]);   \
	}                                           \
	SEC("tracepoint/syscalls/sys_exit_" #name)  \
	int name##_ends(void *ctx)                  \
	{                                           \
		return call_ends();                 \
	}

CALL(bind)
CALL(connect)
CALL(listen)
CALL(sendto)
CALL(sendmsg)
CALL(sendmmsg)

/* A packet goes to its device; taps come after this. */
SEC("raw_tracepoint/net_dev_queue")
int packet(struct bpf_raw_tracepoint_args *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx->args[0];
	struct gadget_socket_value *value;
	__u64 address;

	if (!in_calls)
		return 0;
	address = (__u64)BPF_CORE_READ(skb, sk);
	value = address ? bpf_map_lookup_elem(&unbound, &address) : NULL;
	if (value)
		bound((struct sock *)address, value);
	return 0;
}

/* A TCP socket is closed. Its last packets are still on their way. */
SEC("raw_tracepoint/inet_sock_set_state")
int closed(struct bpf_raw_tracepoint_args *ctx)
{
	struct sock *sk = (struct sock *)ctx->args[0];
	struct gadget_socket_value *value;
	struct gadget_socket_key key = {};

	if (ctx->args[2] != TCP_CLOSE || !key_of(sk, &key))
		return 0;
	value = bpf_map_lookup_elem(&gadget_sockets, &key);
	if (value && value->sock == (__u64)sk)
		value->deletion_timestamp = bpf_ktime_get_ns();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
