/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/* Paths of files, walked from the dentry up through the mounts. */

#ifndef __GADGET_FILESYSTEM_H
#define __GADGET_FILESYSTEM_H

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Room for a path in an event; a longer one is cut at the end. */
#define GADGET_PATH_MAX 512

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

/* How many names and mount points a path is followed through. */
#define GADGET_PATH_MAX_STEPS 80

/* The longest name of one file, and the mask of it. */
#define __GADGET_NAME_MASK 255

/*
 * A path is written from its end: the names grow downwards from PATH_MAX. The
 * verifier wants room for a whole name behind every offset that the mask allows.
 *
 * The state of the walk is in the map as well: what is read from there is
 * unknown to the verifier, so that all ways through one step end in the same
 * state. In registers every sum of name lengths would be a state of its own.
 */
struct gadget_path_buf {
	char text[PATH_MAX + __GADGET_NAME_MASK + 1];
	struct dentry *dentry;
	struct mount *mount;
	__u32 pos;
	__u32 end;
};

/* How the walk ended: not yet; at the root, or where a file without path begins; before. */
#define __GADGET_PATH_GOES_ON  0
#define __GADGET_PATH_COMPLETE 1
#define __GADGET_PATH_CUT      2

#define __GADGET_PATH_END  (PATH_MAX - 1)
#define __GADGET_PATH_MASK (PATH_MAX - 1)

/* Where paths are put together, one on each CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gadget_path_buf);
} gadget_path_bufs SEC(".maps");

/* The mount that a vfsmount is part of. */
static __always_inline struct mount *real_mount(struct vfsmount *mnt)
{
	return (struct mount *)((char *)mnt - bpf_core_field_offset(struct mount, mnt));
}

/* Puts a name before the path, unless there is no name, or no room for it. */
static __always_inline void __gadget_path_prepend(struct gadget_path_buf *buf,
						  struct dentry *dentry)
{
	const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);
	__u32 len = BPF_CORE_READ(dentry, d_name.len) & __GADGET_NAME_MASK;
	__u32 pos = buf->pos;

	if (!len || len + 1 > pos) {
		buf->end = __GADGET_PATH_CUT;
		return;
	}

	pos -= len;
	bpf_probe_read_kernel(&buf->text[pos & __GADGET_PATH_MASK], len, name);
	pos--;
	buf->text[pos & __GADGET_PATH_MASK] = '/';
	buf->pos = pos;
}

/* One step towards the root: a name, or from the root of a mount to where it is mounted. */
static __always_inline void __gadget_path_step(struct gadget_path_buf *buf)
{
	/* Copies: BPF_CORE_READ would relocate the fields of the buffer itself. */
	struct dentry *dentry = buf->dentry;
	struct mount *mount = buf->mount;
	struct dentry *parent = BPF_CORE_READ(dentry, d_parent);

	if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
		struct mount *above = BPF_CORE_READ(mount, mnt_parent);

		buf->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		buf->mount = above;
		if (above == mount)
			buf->end = __GADGET_PATH_COMPLETE;
		return;
	}

	/* A dentry outside of its mount, or of a file that has no path at all. */
	if (dentry == parent) {
		buf->end = __GADGET_PATH_COMPLETE;
		return;
	}

	buf->dentry = parent;
	__gadget_path_prepend(buf, dentry);
}

/*
 * Verifiers before 6.2 refuse a loop whose beginning is entered by falling into
 * it from its own end, an order in which clang likes to put the blocks. With one
 * place only where an iteration ends, and in a function of its own, the order
 * does not depend on what is around the loop.
 */
static __noinline int __gadget_path_walk(struct gadget_path_buf *buf)
{
	for (int i = 0; i < GADGET_PATH_MAX_STEPS; i++) {
		__gadget_path_step(buf);
		barrier();
		if (buf->end != __GADGET_PATH_GOES_ON)
			break;
	}
	return 0;
}

/* Marks a path whose beginning is missing: it then does not begin with a slash. */
static __always_inline void __gadget_path_mark_cut(struct gadget_path_buf *buf)
{
	__u32 pos = buf->pos;

	if (pos < 3)
		return;
	for (int i = 0; i < 3; i++) {
		pos--;
		buf->text[pos & __GADGET_PATH_MASK] = '.';
	}
	buf->pos = pos;
}

/*
 * The path of *path from the root of its mount namespace, or the name of a file
 * that is in no directory (a memfd, a pipe). Of a path with too many names or bytes
 * it is the end, behind "...". NULL if there is no buffer. The text stays until
 * the next call on this CPU: copy it with bpf_probe_read_kernel_str.
 */
static __always_inline void *get_path_str(const struct path *path)
{
	struct gadget_path_buf *buf;
	struct vfsmount *mnt = NULL;
	struct dentry *dentry = NULL;
	__u32 zero = 0;

	buf = bpf_map_lookup_elem(&gadget_path_bufs, &zero);
	if (!buf)
		return NULL;

	bpf_core_read(&dentry, sizeof(dentry), &path->dentry);
	bpf_core_read(&mnt, sizeof(mnt), &path->mnt);
	buf->dentry = dentry;
	buf->mount = real_mount(mnt);
	buf->pos = __GADGET_PATH_END;
	buf->end = __GADGET_PATH_GOES_ON;
	buf->text[__GADGET_PATH_END] = '\0';

	__gadget_path_walk(buf);

	if (buf->pos == __GADGET_PATH_END) {
		/* The root itself is named "/". */
		buf->pos = 0;
		bpf_probe_read_kernel_str(buf->text, PATH_MAX, BPF_CORE_READ(dentry, d_name.name));
	} else if (buf->end != __GADGET_PATH_COMPLETE) {
		__gadget_path_mark_cut(buf);
	}
	return &buf->text[buf->pos & __GADGET_PATH_MASK];
}

/* The open file behind a descriptor of the current task, or NULL. */
static __always_inline struct file *get_struct_file_for_fd(int fd_num)
{
	struct task_struct *self = (struct task_struct *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(self, files, fdt);
	struct file **slots = BPF_CORE_READ(table, fd);
	struct file *file = NULL;

	if (fd_num < 0 || (__u32)fd_num >= BPF_CORE_READ(table, max_fds))
		return NULL;

	bpf_probe_read_kernel(&file, sizeof(file), &slots[fd_num]);
	return file;
}

/*
 * Copies the path of an open descriptor of the current task. The length with the
 * final NUL, or a negative number.
 */
static __always_inline long read_full_path_of_open_file_fd(int fd_num, char *buf, u64 buf_len)
{
	struct file *file = get_struct_file_for_fd(fd_num);
	struct path path;
	void *text;

	if (!file)
		return -1;

	path.dentry = BPF_CORE_READ(file, f_path.dentry);
	path.mnt = BPF_CORE_READ(file, f_path.mnt);
	text = get_path_str(&path);
	if (!text)
		return -1;
	return bpf_probe_read_kernel_str(buf, buf_len, text);
}

#endif /* __GADGET_FILESYSTEM_H */
