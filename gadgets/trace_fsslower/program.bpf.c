// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for every operation on a file that takes longer than a threshold. The
 * system calls are timed from their entry to their exit; whether the file is on the
 * filesystem in question is determined at the entry, of a file that is opened at the exit.
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
#include <gadget/types.h>

/* From the uapi header stat.h. */
#define S_IFMT  0170000
#define S_IFREG 0100000
#define S_IFDIR 0040000

/* Room for the longest name of a file, and for the name of a filesystem. */
#define FILE_NAME_SIZE 256
#define FS_NAME_SIZE   16

enum op {
	F_READ,
	F_WRITE,
	F_OPEN,
	F_FSYNC,
	F_STATFS,
};

struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;

	__u64 delta_us;
	__s64 offset;
	__u64 size;
	enum op op_raw;
	char file[FILE_NAME_SIZE];
	__u32 __unused;
};

const volatile __u64 min_lat_us = 10000;
const volatile char filesystem[FS_NAME_SIZE] = "ext4";

GADGET_PARAM(min_lat_us);
GADGET_PARAM(filesystem);

/* From the entry of a system call to its exit. */
struct call {
	__u64 start;
	__s64 offset;
	/* Of calls with a path alone: where the path and the answer of statfs are. */
	const char *path;
	const struct statfs *answer;
	struct file *file;
	int fd;
	enum op op;
};

GADGET_PENDING_MAP(calls, call, 8192);
GADGET_TRACER_MAP(events, 256 * 1024);

/* The name of the data source is the one that scripts know. */
GADGET_TRACER(malloc, events, event);

/* How the result of statfs distinguishes filesystems. From the uapi header magic.h, and ntfs3. */
struct magic {
	__u64 number;
	char name[FS_NAME_SIZE];
};

static const struct magic magics[] = {
	{0xef53, "ext4"},      {0x9123683e, "btrfs"},   {0x58465342, "xfs"},
	{0x65735546, "fuse"},  {0x6969, "nfs"},         {0x7366746e, "ntfs3"},
	{0x01021994, "tmpfs"}, {0x794c7630, "overlay"}, {0xf2f52010, "f2fs"},
};

/* Whether name is that of the filesystem in question. */
static __always_inline bool is_wanted(const char *name)
{
	for (int i = 0; i < FS_NAME_SIZE; i++) {
		if (name[i] != filesystem[i])
			return false;
		if (!name[i])
			break;
	}
	return true;
}

static __always_inline bool is_wanted_magic(__u64 number)
{
	if (!filesystem[0])
		return true;
	for (unsigned int i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (magics[i].number == number && is_wanted(magics[i].name))
			return true;
	}
	return false;
}

/* Whether the file is one that is stored, on the filesystem in question. */
static __always_inline bool is_wanted_file(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	umode_t type = BPF_CORE_READ(inode, i_mode) & S_IFMT;
	char name[FS_NAME_SIZE] = {};

	if (type != S_IFREG && type != S_IFDIR)
		return false;
	if (!filesystem[0])
		return true;
	bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(inode, i_sb, s_type, name));
	return is_wanted(name);
}

/* A call with a descriptor; at is the offset that it names, negative where it names none. */
static __always_inline int enter_fd(int fd, enum op op, __s64 at)
{
	struct call call = {.fd = fd, .op = op};
	struct file *file;

	if (gadget_should_discard_data_current())
		return 0;
	file = get_struct_file_for_fd(fd);
	if (!file || !is_wanted_file(file))
		return 0;
	call.file = file;
	if (op == F_READ || op == F_WRITE)
		call.offset = at < 0 ? BPF_CORE_READ(file, f_pos) : at;
	call.start = bpf_ktime_get_ns();
	gadget_keep(&calls, &call, &events);
	return 0;
}

/* A call with a path. */
static __always_inline int enter_path(enum op op, unsigned long path, unsigned long answer)
{
	struct call call = {
		.op = op,
		.fd = -1,
		.path = (const char *)path,
		.answer = (const struct statfs *)answer,
	};

	if (gadget_should_discard_data_current())
		return 0;
	call.start = bpf_ktime_get_ns();
	gadget_keep(&calls, &call, &events);
	return 0;
}

/* Whether a call with a path was about the filesystem in question. */
static __always_inline bool complete(struct call *call, long ret)
{
	__u64 magic = 0;

	if (ret < 0)
		return false;
	if (call->op == F_STATFS) {
		bpf_probe_read_user(&magic, sizeof(call->answer->f_type), &call->answer->f_type);
		return is_wanted_magic(magic);
	}
	call->fd = ret;
	call->file = get_struct_file_for_fd(call->fd);
	return call->file && is_wanted_file(call->file);
}

/* The name of the file; of a descriptor that another thread has closed meanwhile it stays empty. */
static __always_inline void read_name(char name[FILE_NAME_SIZE], const struct call *call)
{
	struct file *file = call->file;

	__builtin_memset(name, 0, FILE_NAME_SIZE);
	if (!file)
		bpf_probe_read_user_str(name, FILE_NAME_SIZE, call->path);
	else if (get_struct_file_for_fd(call->fd) == file)
		bpf_probe_read_kernel_str(name, FILE_NAME_SIZE,
					  BPF_CORE_READ(file, f_path.dentry, d_name.name));
}

static __always_inline int leave(struct syscall_trace_exit *ctx)
{
	struct call *kept = gadget_kept(&calls), call;
	struct event *event;
	__u64 delta;

	if (!kept)
		return 0;
	call = *kept;
	gadget_forget(&calls);
	delta = bpf_ktime_get_ns() - call.start;
	if (delta / 1000 < min_lat_us || (!call.file && !complete(&call, ctx->ret)))
		return 0;

	event = gadget_reserve_buf(&events, sizeof(*event));
	if (!event)
		return 0;
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	gadget_process_populate(&event->proc);
	event->delta_us = delta / 1000;
	event->offset = call.offset;
	event->size = (call.op == F_READ || call.op == F_WRITE) && ctx->ret > 0 ? ctx->ret : 0;
	event->op_raw = call.op;
	event->__unused = 0;
	read_name(event->file, &call);
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
	return 0;
}

/* The two hooks of a system call; at its entry it does what enters specifies. */
#define TIMED(call, enters)                               \
	SEC("tracepoint/syscalls/sys_enter_" #call)       \
	int enter_##call(struct syscall_trace_enter *ctx) \
	{                                                 \
		return enters;                            \
	}                                                 \
	SEC("tracepoint/syscalls/sys_exit_" #call)        \
	int exit_##call(struct syscall_trace_exit *ctx)   \
	{                                                 \
		return leave(ctx);                        \
	}

TIMED(read, enter_fd(ctx->args[0], F_READ, -1))
TIMED(readv, enter_fd(ctx->args[0], F_READ, -1))
TIMED(pread64, enter_fd(ctx->args[0], F_READ, ctx->args[3]))
TIMED(preadv, enter_fd(ctx->args[0], F_READ, ctx->args[3]))
TIMED(preadv2, enter_fd(ctx->args[0], F_READ, ctx->args[3]))
TIMED(write, enter_fd(ctx->args[0], F_WRITE, -1))
TIMED(writev, enter_fd(ctx->args[0], F_WRITE, -1))
TIMED(pwrite64, enter_fd(ctx->args[0], F_WRITE, ctx->args[3]))
TIMED(pwritev, enter_fd(ctx->args[0], F_WRITE, ctx->args[3]))
TIMED(pwritev2, enter_fd(ctx->args[0], F_WRITE, ctx->args[3]))
TIMED(fsync, enter_fd(ctx->args[0], F_FSYNC, 0))
TIMED(fdatasync, enter_fd(ctx->args[0], F_FSYNC, 0))
TIMED(open, enter_path(F_OPEN, ctx->args[0], 0))
TIMED(creat, enter_path(F_OPEN, ctx->args[0], 0))
TIMED(openat, enter_path(F_OPEN, ctx->args[1], 0))
TIMED(openat2, enter_path(F_OPEN, ctx->args[1], 0))
TIMED(fstatfs, enter_fd(ctx->args[0], F_STATFS, 0))
TIMED(statfs, enter_path(F_STATFS, ctx->args[0], ctx->args[1]))

char LICENSE[] SEC("license") = "GPL";
