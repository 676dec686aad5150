/* SPDX-License-Identifier: GPL-2.0-only */

/* What an event says, and where that comes from. */

#ifndef __EVENT_H
#define __EVENT_H

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/buffer.h>
#include <gadget/filesystem.h>
#include <gadget/macros.h>
#include <gadget/mntns.h>
#include <gadget/types.h>

#include "kernel.h"
#include "masks.h"

/* One of the two; not a gadget_process, of which an event has one. */
struct process {
	__u32 ppid;
	__u32 pid;
	__u32 tid;
	char comm[TASK_COMM_LEN];
	char pcomm[TASK_COMM_LEN];
};

struct event {
	gadget_timestamp timestamp_raw;
	enum fsnotify_event_kind type_raw;
	struct process tracee;
	struct process tracer;
	gadget_mntns_id tracee_mntns_id;
	__u64 tracer_mntns_id;
	gadget_uid tracee_uid_raw;
	gadget_gid tracee_gid_raw;
	gadget_uid tracer_uid_raw;
	gadget_gid tracer_gid_raw;
	__u32 prio;
	enum fa_mask_set fa_mask_raw;
	enum i_mask_set i_mask_raw;
	enum fanotify_event_type fa_type_raw;
	__u32 fa_pid;
	__u32 fa_flags;
	__u32 fa_f_flags;
	enum fa_response fa_response_raw;
	__s32 i_wd;
	__u32 i_cookie;
	__u64 i_ino;
	__u64 i_ino_dir;
	char name[GADGET_PATH_MAX];
};

GADGET_TRACER_MAP(events, 1024 * 1024);

GADGET_TRACER(fsnotify, events, event);

/* The file and the directory of an event of inotify. */
struct about {
	__u64 ino;
	__u64 ino_dir;
};

/* Who acts, on which side. */
struct side {
	struct process process;
	__u64 mntns_id;
	gadget_uid uid;
	gadget_gid gid;
};

/* What is known of an event in a queue, and, of a question, who reads it. */
struct queued {
	struct side tracee;
	struct side tracer;
	struct about about;
};

static __always_inline void set_side(struct side *side)
{
	struct task_struct *self = (struct task_struct *)bpf_get_current_task();
	__u64 ids = bpf_get_current_pid_tgid(), creds = bpf_get_current_uid_gid();
	struct task_struct *parent = BPF_CORE_READ(self, real_parent);

	side->process.pid = ids >> 32;
	side->process.tid = (__u32)ids;
	side->process.ppid = BPF_CORE_READ(parent, tgid);
	bpf_get_current_comm(side->process.comm, sizeof(side->process.comm));
	bpf_core_read(side->process.pcomm, sizeof(side->process.pcomm), &parent->comm);
	side->mntns_id = gadget_get_current_mntns_id();
	side->uid = (__u32)creds;
	side->gid = creds >> 32;
}

static __always_inline void set_inotify(struct event *event, struct inotify_event_info *info)
{
	event->type_raw = inotify;
	event->fa_type_raw = -1;
	event->i_wd = BPF_CORE_READ(info, wd);
	event->i_mask_raw = BPF_CORE_READ(info, mask) & INOTIFY_MASK;
	event->i_cookie = BPF_CORE_READ(info, sync_cookie);
	if (BPF_CORE_READ(info, name_len) > 0)
		bpf_probe_read_kernel_str(event->name, sizeof(event->name), &info->name);
}

static __always_inline void set_fanotify(struct event *event, struct fsnotify_group *group,
					 struct fanotify_event *fae)
{
	__u32 type = fanotify_type(fae);
	struct pid *pid = BPF_CORE_READ(fae, pid);
	/* An array of one before 6.5, of unknown length since. */
	struct upid *ids = (struct upid *)&pid->numbers;
	struct path *path = NULL;

	event->type_raw = fanotify;
	event->fa_type_raw = type;
	event->fa_mask_raw = BPF_CORE_READ(fae, mask) & ~INTERNAL_MASK;
	event->fa_pid = BPF_CORE_READ(ids, nr);
	event->fa_flags = BPF_CORE_READ(group, fanotify_data.flags);
	event->fa_f_flags = BPF_CORE_READ(group, fanotify_data.f_flags);
	if (type == FANOTIFY_EVENT_TYPE_PATH)
		path = &((struct fanotify_path_event *)fae)->path;
	else if (type == FANOTIFY_EVENT_TYPE_PATH_PERM)
		path = &((struct fanotify_perm_event *)fae)->path;
	if (path)
		bpf_probe_read_kernel_str(event->name, sizeof(event->name), get_path_str(path));
}

/* Reserves an event of a queue; *queued is NULL where the tracee is not known. */
static __always_inline struct event *
describe(struct fsnotify_group *group, struct fsnotify_event *fse, const struct queued *queued)
{
	struct event *event = gadget_reserve_buf(&events, sizeof(*event));

	if (!event)
		return NULL;
	__builtin_memset(event, 0, sizeof(*event));
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	event->prio = priority(group);
	if (BPF_CORE_READ(group, ops, handle_inode_event))
		set_inotify(event, (struct inotify_event_info *)fse);
	else
		set_fanotify(event, group, (struct fanotify_event *)fse);
	if (queued) {
		event->tracee = queued->tracee.process;
		event->tracee_mntns_id = queued->tracee.mntns_id;
		event->tracee_uid_raw = queued->tracee.uid;
		event->tracee_gid_raw = queued->tracee.gid;
		event->i_ino = queued->about.ino;
		event->i_ino_dir = queued->about.ino_dir;
	}
	return event;
}

static __always_inline void set_tracer(struct event *event, const struct side *tracer)
{
	event->tracer = tracer->process;
	event->tracer_mntns_id = tracer->mntns_id;
	event->tracer_uid_raw = tracer->uid;
	event->tracer_gid_raw = tracer->gid;
}

#endif /* __EVENT_H */
