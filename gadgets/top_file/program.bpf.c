// SPDX-License-Identifier: GPL-2.0-only

/*
 * What each thread reads from files and writes to them. The system calls that
 * move bytes between a file and memory are seen at their entry, where the file is
 * known, and at their exit, where the number of bytes is.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/common.h>
#include <gadget/filesystem.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/mapiter.h>
#include <gadget/types.h>

/* From the uapi header stat.h. */
#define S_IFMT   0170000
#define S_IFSOCK 0140000
#define S_IFREG  0100000

enum type {
	R, /* a regular file */
	S, /* a socket */
	O, /* another one, such as a pipe */
};

struct file_key {
	struct gadget_process proc;
	__u64 inode;
	__u32 dev;
	enum type t_raw;
};

struct file_value {
	__u64 reads;
	__u64 rbytes;
	__u64 writes;
	__u64 wbytes;
	char file[GADGET_PATH_MAX];
};

/* From the entry of a system call to its exit. */
struct call {
	struct file *file;
	__u32 fd;
	__u32 __unused;
};

const volatile bool all_files = false;

GADGET_PARAM(all_files);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct call);
} calls SEC(".maps");

/* A value has more bytes than the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct file_value);
} scratch SEC(".maps");

GADGET_MAPITER_MAP(stats, file_key, file_value, 10240);
GADGET_MAPITER(file, stats);

static __always_inline enum type type_of(struct file *file)
{
	switch (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) {
	case S_IFREG:
		return R;
	case S_IFSOCK:
		return S;
	}
	return O;
}

static __always_inline int enter(struct syscall_trace_enter *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct call call = {};
	struct file *file;

	if (gadget_should_discard_data_current())
		return 0;
	call.fd = ctx->args[0];
	file = get_struct_file_for_fd(call.fd);
	if (!file || (!all_files && type_of(file) != R))
		return 0;
	call.file = file;
	if (bpf_map_update_elem(&calls, &thread, &call, BPF_ANY))
		gadget_lost(&stats);
	return 0;
}

/*
 * What counts for a file that is new. Its path is read only then, unless another
 * thread has closed the descriptor meanwhile.
 */
static __always_inline struct file_value *first(const struct call *call)
{
	struct file_value *value;
	__u32 zero = 0;

	value = bpf_map_lookup_elem(&scratch, &zero);
	if (!value)
		return NULL;
	value->reads = value->rbytes = value->writes = value->wbytes = 0;
	value->file[0] = '\0';
	if (get_struct_file_for_fd(call->fd) == call->file)
		read_full_path_of_open_file_fd(call->fd, value->file, sizeof(value->file));
	return value;
}

static __always_inline struct file_value *value_of(const struct call *call)
{
	struct file_value *value, *new;
	struct file_key key = {};
	struct file *file = call->file;
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	gadget_process_populate(&key.proc);
	key.inode = BPF_CORE_READ(inode, i_ino);
	key.dev = BPF_CORE_READ(inode, i_sb, s_dev);
	key.t_raw = type_of(file);

	value = bpf_map_lookup_elem(&stats, &key);
	if (value)
		return value;
	new = first(call);
	return new ? gadget_entry(&stats, &key, new) : NULL;
}

static __always_inline int leave(struct syscall_trace_exit *ctx, bool reads)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct call *kept = bpf_map_lookup_elem(&calls, &thread);
	struct file_value *value;
	struct call call;

	if (!kept)
		return 0;
	call.file = kept->file;
	call.fd = kept->fd;
	bpf_map_delete_elem(&calls, &thread);
	if (ctx->ret < 0)
		return 0;
	value = value_of(&call);
	if (!value)
		return 0;
	if (reads) {
		__sync_fetch_and_add(&value->reads, 1);
		__sync_fetch_and_add(&value->rbytes, ctx->ret);
	} else {
		__sync_fetch_and_add(&value->writes, 1);
		__sync_fetch_and_add(&value->wbytes, ctx->ret);
	}
	return 0;
}

#define TRANSFER(call, reads)                             \
	SEC("tracepoint/syscalls/sys_enter_" #call)       \
	int enter_##call(struct syscall_trace_enter *ctx) \
	{                                                 \
		return enter(ctx);                        \
	}                                                 \
	SEC("tracepoint/syscalls/sys_exit_" #call)        \
	int exit_##call(struct syscall_trace_exit *ctx)   \
	{                                                 \
		return leave(ctx, reads);                 \
	}

TRANSFER(read, true)
TRANSFER(readv, true)
TRANSFER(pread64, true)
TRANSFER(preadv, true)
TRANSFER(preadv2, true)
TRANSFER(write, false)
TRANSFER(writev, false)
TRANSFER(pwrite64, false)
TRANSFER(pwritev, false)
TRANSFER(pwritev2, false)

char LICENSE[] SEC("license") = "GPL";
