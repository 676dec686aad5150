/* SPDX-License-Identifier: GPL-2.0-only */

/* What is known of the task that executes a program, and of the files. */

#ifndef __TASK_H
#define __TASK_H

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/common.h>
#include <gadget/core_fixes.bpf.h>
#include <gadget/filesystem.h>

#include "event.h"

/* From the uapi header magic.h. */
#define OVERLAYFS_SUPER_MAGIC 0x794c7630

/* Kernel numbers of devices: 12 bits major, 20 bits minor. */
#define MINOR_BITS 20
#define MINOR_MASK ((1U << MINOR_BITS) - 1)

/* The user id of a process that nobody has logged in for. */
#define NO_LOGIN 0xffffffff

static __always_inline void fill_login(struct event *event, struct task_struct *task)
{
	/* Kernels without CONFIG_AUDIT have neither. */
	event->loginuid = NO_LOGIN;
	if (bpf_core_field_exists(task->loginuid))
		event->loginuid = BPF_CORE_READ(task, loginuid.val);
	if (bpf_core_field_exists(task->sessionid))
		event->sessionid = BPF_CORE_READ(task, sessionid);
}

static __always_inline void fill_tty(struct event *event, struct task_struct *task)
{
	struct tty_struct *tty = BPF_CORE_READ(task, signal, tty);
	struct tty_driver *driver = BPF_CORE_READ(tty, driver);

	if (!driver)
		return;

	event->tty = BPF_CORE_READ(tty, index);
	event->tty_major = BPF_CORE_READ(driver, major);
	event->tty_minor = BPF_CORE_READ(driver, minor_start) + event->tty;
}

/* Whether an inode of an overlay was changed or made in its upper layer. */
static __always_inline bool in_upper_layer(struct inode *inode)
{
	void *upper = NULL;

	if (BPF_CORE_READ(inode, i_sb, s_magic) != OVERLAYFS_SUPER_MAGIC)
		return false;

	/*
	 * BTF does not have struct ovl_inode, a module's. Behind the embedded
	 * inode it keeps the dentry of the upper layer.
	 */
	bpf_probe_read_kernel(&upper, sizeof(upper),
			      (char *)inode + bpf_core_type_size(struct inode));
	return upper != NULL;
}

/* Whether a file is on the mount that the process has as its root. */
static __always_inline bool on_root_mount(struct task_struct *task, struct file *file)
{
	return BPF_CORE_READ(task, fs, root.mnt) == BPF_CORE_READ(file, f_path.mnt);
}

static __always_inline void copy_path(char text[GADGET_PATH_MAX], struct path *path)
{
	bpf_probe_read_kernel_str(text, GADGET_PATH_MAX, get_path_str(path));
}

static __always_inline void copy_file_path(char text[GADGET_PATH_MAX], struct file *file)
{
	struct path path = {};

	path.dentry = BPF_CORE_READ(file, f_path.dentry);
	path.mnt = BPF_CORE_READ(file, f_path.mnt);
	if (file)
		copy_path(text, &path);
}

static __always_inline void copy_cwd(char text[GADGET_PATH_MAX], struct task_struct *task)
{
	struct path path = {};

	path.dentry = BPF_CORE_READ(task, fs, pwd.dentry);
	path.mnt = BPF_CORE_READ(task, fs, pwd.mnt);
	copy_path(text, &path);
}

/* What is known of the task whether or not it got a new program. */
static __always_inline void fill_task(struct event *event, struct task_struct *task)
{
	gadget_process_populate(&event->proc);
	fill_login(event, task);
	fill_tty(event, task);
	if (!paths)
		return;

	copy_cwd(event->cwd, task);
	copy_file_path(event->exepath, BPF_CORE_READ(task, mm, exe_file));
}

/* The new program, and the parent's. */
static __always_inline void fill_program(struct event *event, struct task_struct *task)
{
	struct file *exe = BPF_CORE_READ(task, mm, exe_file);
	struct inode *inode = BPF_CORE_READ(exe, f_inode);
	struct file *parent_exe = BPF_CORE_READ(task, real_parent, mm, exe_file);
	struct inode *parent_inode = BPF_CORE_READ(parent_exe, f_inode);

	event->from_rootfs = on_root_mount(task, exe);
	event->upper_layer = in_upper_layer(inode);
	event->ctime = gadget_get_ctime_nanosec_from_inode(inode);
	if (parent_inode) {
		event->pupper_layer = in_upper_layer(parent_inode);
		event->pctime = gadget_get_ctime_nanosec_from_inode(parent_inode);
	}
	if (paths)
		copy_file_path(event->parent_exepath, parent_exe);
}

/*
 * The file that was asked for. Of a script the kernel has let go by now, and has
 * kept the path as it was given; otherwise it is the program.
 */
static __always_inline void fill_file(struct event *event, struct task_struct *task,
				      struct linux_binprm *bprm)
{
	const char *given = BPF_CORE_READ(bprm, filename);
	struct file *exe = BPF_CORE_READ(task, mm, exe_file);
	struct inode *inode = BPF_CORE_READ(exe, f_inode);
	dev_t dev;

	if (given != BPF_CORE_READ(bprm, interp)) {
		if (paths)
			bpf_probe_read_kernel_str(event->file, sizeof(event->file), given);
		return;
	}

	dev = BPF_CORE_READ(inode, i_sb, s_dev);
	event->dev_major = dev >> MINOR_BITS;
	event->dev_minor = dev & MINOR_MASK;
	event->inode = BPF_CORE_READ(inode, i_ino);
	event->fctime = event->ctime;
	event->fupper_layer = event->upper_layer;
	event->file_from_rootfs = event->from_rootfs;
	if (paths)
		bpf_probe_read_kernel(event->file, sizeof(event->file), event->exepath);
}

#endif /* __TASK_H */
