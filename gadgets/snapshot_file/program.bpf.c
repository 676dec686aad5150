// SPDX-License-Identifier: GPL-2.0-only

/* One entry for every file that a process has open. */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/filesystem.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/types.h>

/* The bits of the parameter type_mask, from the lowest. */
enum file_type {
	REGULAR,
	SOCKET,
	PIPE,
	BPF_MAP,
	DIRECTORY,
	CHAR_DEV,
	BLOCK_DEV,
	SYMLINK,
	OTHER,
};

/* From the uapi header stat.h. */
#define S_IFMT   0170000
#define S_IFSOCK 0140000
#define S_IFLNK  0120000
#define S_IFREG  0100000
#define S_IFBLK  0060000
#define S_IFDIR  0040000
#define S_IFCHR  0020000
#define S_IFIFO  0010000

struct file_entry {
	gadget_mntns_id mntns_id;
	gadget_comm comm[TASK_COMM_LEN];
	gadget_pid pid;
	gadget_tid tid;
	gadget_uid uid;
	gadget_gid gid;
	__u64 inode;
	__u32 fd;
	enum file_type type_raw;
	gadget_file_flags flags_raw;
	char path[GADGET_PATH_MAX];
	__u32 __unused;
};

const volatile bool paths = false;
const volatile __u32 file_type_mask = (1 << REGULAR) | (1 << DIRECTORY);

GADGET_PARAM(paths);
GADGET_PARAM(file_type_mask);

GADGET_ITER(files, file_entry, task_files);

/* An entry has more bytes than the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct file_entry);
} scratch SEC(".maps");

/* What anonymous inodes are for is in the name of the dentry alone: "bpf-map". */
static __always_inline bool is_bpf_map(struct file *file)
{
	const unsigned char *name = BPF_CORE_READ(file, f_path.dentry, d_name.name);
	char text[8] = {};

	bpf_probe_read_kernel_str(text, sizeof(text), name);
	return text[0] == 'b' && text[1] == 'p' && text[2] == 'f' && text[3] == '-' &&
	       text[4] == 'm' && text[5] == 'a' && text[6] == 'p';
}

static __always_inline enum file_type type_of(struct file *file)
{
	switch (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) {
	case S_IFREG:
		return REGULAR;
	case S_IFSOCK:
		return SOCKET;
	case S_IFIFO:
		return PIPE;
	case S_IFDIR:
		return DIRECTORY;
	case S_IFCHR:
		return CHAR_DEV;
	case S_IFBLK:
		return BLOCK_DEV;
	case S_IFLNK:
		return SYMLINK;
	}
	return is_bpf_map(file) ? BPF_MAP : OTHER;
}

static __always_inline void name(struct file_entry *e, struct file *file)
{
	struct path path;
	void *text;

	e->path[0] = '\0';
	if (!paths) {
		bpf_probe_read_kernel_str(e->path, sizeof(e->path),
					  BPF_CORE_READ(file, f_path.dentry, d_name.name));
		return;
	}
	path.dentry = BPF_CORE_READ(file, f_path.dentry);
	path.mnt = BPF_CORE_READ(file, f_path.mnt);
	text = get_path_str(&path);
	if (text)
		bpf_probe_read_kernel_str(e->path, sizeof(e->path), text);
}

SEC("iter/task_file")
int task_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct file_entry *e;
	__u32 zero = 0;

	if (!task || !file)
		return 0;
	e = bpf_map_lookup_elem(&scratch, &zero);
	if (!e)
		return 0;

	e->type_raw = type_of(file);
	if (!(file_type_mask & (1U << e->type_raw)))
		return 0;
	BPF_CORE_READ_INTO(&e->comm, task, comm);
	e->pid = BPF_CORE_READ(task, tgid);
	e->tid = BPF_CORE_READ(task, pid);
	e->mntns_id = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	e->uid = BPF_CORE_READ(task, cred, uid.val);
	e->gid = BPF_CORE_READ(task, cred, gid.val);
	if (gadget_should_discard_data(e->mntns_id, e->pid, e->tid, e->comm, e->uid, e->gid))
		return 0;

	e->fd = ctx->fd;
	e->inode = BPF_CORE_READ(file, f_inode, i_ino);
	e->flags_raw = BPF_CORE_READ(file, f_flags);
	name(e, file);
	bpf_seq_write(ctx->meta->seq, e, sizeof(*e));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
