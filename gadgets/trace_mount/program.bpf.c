// SPDX-License-Identifier: GPL-2.0-only

/* One event for every call of mount and umount, with its arguments, result and time. */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/buffer.h>
#include <gadget/common.h>
#include <gadget/errno.h>
#include <gadget/filesystem.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/pending.h>
#include <gadget/types.h>

#define FS_NAME_LEN 8
#define DATA_LEN    512

enum op {
	MOUNT,
	UMOUNT,
};

/* From the uapi header mount.h; bits that only the kernel sets are left out. */
enum flags_set : __u64 {
	MS_RDONLY = 0x00000001,
	MS_NOSUID = 0x00000002,
	MS_NODEV = 0x00000004,
	MS_NOEXEC = 0x00000008,
	MS_SYNCHRONOUS = 0x00000010,
	MS_REMOUNT = 0x00000020,
	MS_MANDLOCK = 0x00000040,
	MS_DIRSYNC = 0x00000080,
	MS_NOSYMFOLLOW = 0x00000100,
	MS_NOATIME = 0x00000400,
	MS_NODIRATIME = 0x00000800,
	MS_BIND = 0x00001000,
	MS_MOVE = 0x00002000,
	MS_REC = 0x00004000,
	MS_SILENT = 0x00008000,
	MS_POSIXACL = 0x00010000,
	MS_UNBINDABLE = 0x00020000,
	MS_PRIVATE = 0x00040000,
	MS_SLAVE = 0x00080000,
	MS_SHARED = 0x00100000,
	MS_RELATIME = 0x00200000,
	MS_I_VERSION = 0x00800000,
	MS_STRICTATIME = 0x01000000,
	MS_LAZYTIME = 0x02000000,
};

struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;

	gadget_duration delta_raw;
	enum flags_set flags_raw;
	gadget_errno error_raw;
	enum op op_raw;
	char fs[FS_NAME_LEN];
	char src[GADGET_PATH_MAX];
	char dest[GADGET_PATH_MAX];
	char data[DATA_LEN];
};

/* From the entry of a system call to its exit. */
struct mount_call {
	__u64 started;
	__u64 flags;
	const char *src;
	const char *dest;
	const char *fs;
	const char *data;
	enum op op;
};

GADGET_PENDING_MAP(calls, mount_call, 1024);
GADGET_TRACER_MAP(events, 256 * 1024);

GADGET_TRACER(mount, events, event);

/* Copies a text of the process, or zeros without one. */
#define COPY(to, from)                                                 \
	({                                                             \
		__builtin_memset(to, 0, sizeof(to));                   \
		if (from)                                              \
			bpf_probe_read_user_str(to, sizeof(to), from); \
	})

static __always_inline int leave(struct syscall_trace_exit *ctx)
{
	struct mount_call *kept = gadget_kept(&calls), call;
	struct event *event;

	if (!kept)
		return 0;
	call = *kept;
	gadget_forget(&calls);

	event = gadget_reserve_buf(&events, sizeof(*event));
	if (!event)
		return 0;
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	gadget_process_populate(&event->proc);
	event->delta_raw = event->timestamp_raw - call.started;
	event->flags_raw = call.flags;
	event->error_raw = gadget_errno_of(ctx->ret);
	event->op_raw = call.op;
	COPY(event->fs, call.fs);
	COPY(event->src, call.src);
	COPY(event->dest, call.dest);
	COPY(event->data, call.data);
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_mount")
int enter_mount(struct syscall_trace_enter *ctx)
{
	struct mount_call call = {
		.started = bpf_ktime_get_boot_ns(),
		.src = (const char *)ctx->args[0],
		.dest = (const char *)ctx->args[1],
		.fs = (const char *)ctx->args[2],
		.flags = ctx->args[3],
		.data = (const char *)ctx->args[4],
		.op = MOUNT,
	};

	if (!gadget_should_discard_data_current())
		gadget_keep(&calls, &call, &events);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_mount")
int exit_mount(struct syscall_trace_exit *ctx)
{
	return leave(ctx);
}

/* The kernel's name of the call umount2. Its flags are others than those of mount. */
SEC("tracepoint/syscalls/sys_enter_umount")
int enter_umount(struct syscall_trace_enter *ctx)
{
	struct mount_call call = {
		.started = bpf_ktime_get_boot_ns(),
		.dest = (const char *)ctx->args[0],
		.op = UMOUNT,
	};

	if (!gadget_should_discard_data_current())
		gadget_keep(&calls, &call, &events);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_umount")
int exit_umount(struct syscall_trace_exit *ctx)
{
	return leave(ctx);
}

char LICENSE[] SEC("license") = "GPL";
