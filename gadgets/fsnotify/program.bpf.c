// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for every event of inotify or fanotify that a process reads, with who did
 * something to the file (the tracee) and who reads of it (the tracer), and one for
 * every answer to a question of fanotify.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <gadget/buffer.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/pending.h>
#include <gadget/types.h>

#include "event.h"

/* As long as the queue of one tracer may be by default. */
#define MAX_QUEUED 16384

const volatile __u64 tracer_group = 0;
const volatile __u32 tracer_pid = 0;
const volatile __u32 tracee_pid = 0;
const volatile bool inotify_only = false;
const volatile bool fanotify_only = false;

GADGET_PARAM(tracer_group);
GADGET_PARAM(tracer_pid);
GADGET_PARAM(tracee_pid);
GADGET_PARAM(inotify_only);
GADGET_PARAM(fanotify_only);

/* What the current thread has to report to inotify. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct about);
} abouts SEC(".maps");

/* What is known of the events in all queues. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_QUEUED);
	__type(key, struct fsnotify_event *);
	__type(value, struct queued);
} queue SEC(".maps");

/* The queue out of which the current thread takes an event. */
struct taking {
	struct fsnotify_group *group;
};

GADGET_PENDING_MAP(takers, taking, 4096);

/* Whether the events of a queue are not requested. */
static __always_inline bool unwanted_group(struct fsnotify_group *group)
{
	bool is_inotify = BPF_CORE_READ(group, ops, handle_inode_event) != NULL;

	return (fanotify_only && is_inotify) || (inotify_only && !is_inotify) ||
	       (tracer_group && tracer_group != (__u64)group);
}

/* What is reported to inotify, before it makes an event of it. */
static __always_inline int handle(struct inode *inode, struct inode *dir)
{
	struct about about = {BPF_CORE_READ(inode, i_ino), BPF_CORE_READ(dir, i_ino)};
	__u64 thread = bpf_get_current_pid_tgid();

	bpf_map_update_elem(&abouts, &thread, &about, BPF_ANY);
	return 0;
}

/* An event on its way into a queue. Where it finds no place there, it is destroyed. */
static __always_inline int insert(struct fsnotify_group *group, struct fsnotify_event *fse)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct queued queued;
	struct about *about;

	if (unwanted_group(group) || (tracee_pid && tracee_pid != thread >> 32) ||
	    gadget_should_discard_data_current())
		return 0;
	__builtin_memset(&queued, 0, sizeof(queued));
	set_side(&queued.tracee);
	if (BPF_CORE_READ(group, ops, handle_inode_event)) {
		about = bpf_map_lookup_elem(&abouts, &thread);
		if (about)
			queued.about = *about;
		bpf_map_delete_elem(&abouts, &thread);
	}
	if (bpf_map_update_elem(&queue, &fse, &queued, BPF_ANY))
		gadget_lost(&events);
	return 0;
}

/* A process is about to take an event out of a queue; not one that empties it at its end. */
static __always_inline int take(struct fsnotify_group *group)
{
	struct taking taking = {group};

	if (unwanted_group(group) || BPF_CORE_READ(group, shutdown) ||
	    (tracer_pid && tracer_pid != bpf_get_current_pid_tgid() >> 32))
		return 0;
	gadget_keep(&takers, &taking, &events);
	return 0;
}

/*
 * An event that is not known was queued before the gadget started, means that the queue
 * is full, or is one that a filter left out.
 */
static __always_inline int taken(void *ctx, struct fsnotify_event *fse)
{
	struct taking *taking = gadget_kept(&takers);
	struct fsnotify_group *group;
	struct queued *queued;
	struct event *event;
	struct side tracer;

	if (!taking)
		return 0;
	group = taking->group;
	gadget_forget(&takers);
	queued = bpf_map_lookup_elem(&queue, &fse);
	if (!fse || (!queued && (tracee_pid || gadget_should_discard_data_by_skb(NULL))))
		return 0;
	__builtin_memset(&tracer, 0, sizeof(tracer));
	set_side(&tracer);
	if (queued)
		queued->tracer = tracer;
	event = describe(group, fse, queued);
	if (!event)
		return 0;
	set_tracer(event, &tracer);
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
	return 0;
}

/* The end of an event: of a question, once it is answered or no longer of interest. */
static __always_inline int destroy(void *ctx, struct fsnotify_group *group,
				   struct fsnotify_event *fse)
{
	struct fanotify_perm_event *question = (struct fanotify_perm_event *)fse;
	struct queued *queued = bpf_map_lookup_elem(&queue, &fse);
	struct event *event;

	if (!queued)
		return 0;
	if (!BPF_CORE_READ(group, ops, handle_inode_event) &&
	    fanotify_type(&question->fae) == FANOTIFY_EVENT_TYPE_PATH_PERM &&
	    (!tracer_pid || tracer_pid == queued->tracer.process.pid)) {
		event = describe(group, fse, queued);
		if (event) {
			event->type_raw = fa_resp;
			event->fa_response_raw = interrupted;
			if (BPF_CORE_READ(question, state) == FAN_EVENT_ANSWERED)
				event->fa_response_raw =
					BPF_CORE_READ_BITFIELD_PROBED(question, response) & 3;
			set_tracer(event, &queued->tracer);
			gadget_submit_buf(ctx, &events, event, sizeof(*event));
		}
	}
	bpf_map_delete_elem(&queue, &fse);
	return 0;
}

SEC("fentry/inotify_handle_inode_event")
int BPF_PROG(handling, struct fsnotify_mark *mark, __u32 mask, struct inode *inode,
	     struct inode *dir)
{
	return handle(inode, dir);
}

SEC("kprobe/inotify_handle_inode_event")
int BPF_KPROBE(handling__fallback, struct fsnotify_mark *mark, __u32 mask, struct inode *inode,
	       struct inode *dir)
{
	return handle(inode, dir);
}

/* The function had another name in the first versions of Linux 5.10. */
#define INSERTING(PROG, name, section)                                           \
	SEC(section)                                                             \
	int PROG(name, struct fsnotify_group *group, struct fsnotify_event *fse) \
	{                                                                        \
		return insert(group, fse);                                       \
	}

INSERTING(BPF_PROG, inserting, "fentry/fsnotify_insert_event")
INSERTING(BPF_PROG, inserting__fallback, "fentry/fsnotify_add_event")
INSERTING(BPF_KPROBE, inserting__fallback__fallback, "kprobe/fsnotify_insert_event")
INSERTING(BPF_KPROBE, inserting__fallback__fallback__fallback, "kprobe/fsnotify_add_event")

SEC("fentry/fsnotify_remove_first_event")
int BPF_PROG(taking_begins, struct fsnotify_group *group)
{
	return take(group);
}

SEC("kprobe/fsnotify_remove_first_event")
int BPF_KPROBE(taking_begins__fallback, struct fsnotify_group *group)
{
	return take(group);
}

SEC("fexit/fsnotify_remove_first_event")
int BPF_PROG(taking_ends, struct fsnotify_group *group, struct fsnotify_event *fse)
{
	return taken(ctx, fse);
}

SEC("kretprobe/fsnotify_remove_first_event")
int BPF_KRETPROBE(taking_ends__fallback, struct fsnotify_event *fse)
{
	return taken(ctx, fse);
}

SEC("fentry/fsnotify_destroy_event")
int BPF_PROG(destroying, struct fsnotify_group *group, struct fsnotify_event *fse)
{
	return destroy(ctx, group, fse);
}

SEC("kprobe/fsnotify_destroy_event")
int BPF_KPROBE(destroying__fallback, struct fsnotify_group *group, struct fsnotify_event *fse)
{
	return destroy(ctx, group, fse);
}

char LICENSE[] SEC("license") = "GPL";
