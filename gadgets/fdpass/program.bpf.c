// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for every descriptor that a process sends through a unix socket. The
 * control messages are in the memory of the process: they are read when the system
 * call has succeeded, since the kernel has then brought in the pages that they are in.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/buffer.h>
#include <gadget/common.h>
#include <gadget/filesystem.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/pending.h>
#include <gadget/sockets.h>
#include <gadget/types.h>

/* From the uapi header socket.h. */
#define AF_UNIX    1
#define SOL_SOCKET 1
#define SCM_RIGHTS 1

/* How many descriptors, control messages and messages of one call are looked at. */
#define MAX_STEPS 512

/* struct msghdr and struct cmsghdr of 64-bit programs. */
struct message {
	__u64 name;
	__u64 name_len;
	__u64 iov;
	__u64 iov_len;
	__u64 control;
	__u64 control_len;
	__u64 flags;
};

struct control {
	__u64 len;
	__s32 level;
	__s32 type;
};

/* The distance of two messages of sendmmsg: behind each is what the call returns. */
#define MESSAGE_DISTANCE (sizeof(struct message) + sizeof(__u64))

struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;

	__u64 socket_ino;
	__u32 sockfd;
	__u32 fd;
	char file[GADGET_PATH_MAX];
};

const volatile gadget_pid target_pid = 0;

GADGET_PARAM(target_pid);

/* From the entry of sendmsg or sendmmsg to its exit. */
struct call {
	__u64 message;
	__u32 sockfd;
	__u32 single; /* sendmsg: what it returns is not a number of messages */
};

/* Where in the messages of a call the walk is. */
struct walk {
	__u64 message;
	__u64 messages; /* that are still to come */
	__u64 control;
	__u64 control_end;
	__u64 fds;
	__u64 fds_end;
	__u64 socket_ino;
	__u32 sockfd;
	__u32 __unused;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct walk);
} walks SEC(".maps");

GADGET_PENDING_MAP(calls, call, 10240);
GADGET_TRACER_MAP(events, 256 * 1024);

GADGET_TRACER(fdpass, events, event);

static __always_inline struct walk *current_walk(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&walks, &zero);
}

/* Only kernels without ring buffers, which are older than this gadget needs, want a context. */
static __always_inline void send(const struct walk *walk, int fd)
{
	struct event *event = gadget_reserve_buf(&events, sizeof(*event));

	if (!event)
		return;
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	gadget_process_populate(&event->proc);
	event->socket_ino = walk->socket_ino;
	event->sockfd = walk->sockfd;
	event->fd = fd;
	__builtin_memset(event->file, 0, sizeof(event->file));
	read_full_path_of_open_file_fd(fd, event->file, sizeof(event->file));
	gadget_submit_buf(NULL, &events, event, sizeof(*event));
}

/* To the next message; 0 after the last one. */
static __always_inline int next_message(struct walk *walk)
{
	struct message message = {};

	if (!walk->messages)
		return 0;
	bpf_probe_read_user(&message, sizeof(message), (void *)walk->message);
	walk->messages--;
	walk->message += MESSAGE_DISTANCE;
	walk->control = message.control;
	walk->control_end = message.control ? message.control + message.control_len : 0;
	return 1;
}

/* To the next control message of the same message. */
static __always_inline void next_control(struct walk *walk)
{
	struct control control = {};
	__u64 room = walk->control_end - walk->control;

	bpf_probe_read_user(&control, sizeof(control), (void *)walk->control);
	if (control.len < sizeof(control) || control.len > room) {
		walk->control = walk->control_end = 0;
		return;
	}
	if (control.level == SOL_SOCKET && control.type == SCM_RIGHTS) {
		walk->fds = walk->control + sizeof(control);
		walk->fds_end = walk->control + control.len;
	}
	walk->control += (control.len + 7) & ~7ULL;
}

/*
 * One step of the walk of this CPU; 0 when there is nothing more. A global function is
 * verified once, not at each turn of the loop.
 */
__noinline int step(void)
{
	struct walk *walk = current_walk();
	int fd = -1;

	if (!walk)
		return 0;
	if (walk->fds + sizeof(fd) <= walk->fds_end) {
		bpf_probe_read_user(&fd, sizeof(fd), (void *)walk->fds);
		walk->fds += sizeof(fd);
		send(walk, fd);
	} else if (walk->control + sizeof(struct control) <= walk->control_end) {
		next_control(walk);
	} else {
		return next_message(walk);
	}
	return 1;
}

static __always_inline void walk_messages(const struct call *call, long ret)
{
	struct walk *walk = current_walk();
	struct file *file = get_struct_file_for_fd(call->sockfd);

	if (!walk || !file)
		return;
	__builtin_memset(walk, 0, sizeof(*walk));
	walk->message = call->message;
	walk->messages = call->single ? 1 : ret;
	walk->sockfd = call->sockfd;
	walk->socket_ino = BPF_CORE_READ(file, f_inode, i_ino);
	for (int i = 0; i < MAX_STEPS; i++) {
		if (!step())
			return;
	}
	gadget_lost(&events);
}

static __always_inline int enter(struct syscall_trace_enter *ctx, bool single)
{
	struct call call = {.sockfd = ctx->args[0], .message = ctx->args[1], .single = single};
	struct sock *sk;

	if (gadget_should_discard_data_current() ||
	    (target_pid && target_pid != bpf_get_current_pid_tgid() >> 32))
		return 0;
	sk = gadget_sock_of_fd(call.sockfd);
	if (sk && BPF_CORE_READ(sk, __sk_common.skc_family) == AF_UNIX)
		gadget_keep(&calls, &call, &events);
	return 0;
}

static __always_inline int leave(struct syscall_trace_exit *ctx)
{
	struct call *kept = gadget_kept(&calls), call;

	if (!kept)
		return 0;
	call = *kept;
	gadget_forget(&calls);
	if (ctx->ret >= 0)
		walk_messages(&call, ctx->ret);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_sendmsg")
int enter_sendmsg(struct syscall_trace_enter *ctx)
{
	return enter(ctx, true);
}

SEC("tracepoint/syscalls/sys_exit_sendmsg")
int exit_sendmsg(struct syscall_trace_exit *ctx)
{
	return leave(ctx);
}

SEC("tracepoint/syscalls/sys_enter_sendmmsg")
int enter_sendmmsg(struct syscall_trace_enter *ctx)
{
	return enter(ctx, false);
}

SEC("tracepoint/syscalls/sys_exit_sendmmsg")
int exit_sendmmsg(struct syscall_trace_exit *ctx)
{
	return leave(ctx);
}

char LICENSE[] SEC("license") = "GPL";
