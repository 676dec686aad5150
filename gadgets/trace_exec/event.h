/* SPDX-License-Identifier: GPL-2.0-only */

/* What an event says, and how it is sent. */

#ifndef __EVENT_H
#define __EVENT_H

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

#define GADGET_NO_BUF_RESERVE
#include <gadget/buffer.h>
#include <gadget/filesystem.h>
#include <gadget/macros.h>
#include <gadget/types.h>

/* What of the arguments is shown, in bytes. */
#define ARGS_MAX 8192

/*
 * An event ends where the last text in use ends. There are no holes, which would
 * carry old bytes to the runner.
 */
struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;

	gadget_errno error_raw;
	gadget_uid loginuid;
	__u32 sessionid;
	int tty;
	__u32 tty_major;
	__u32 tty_minor;
	bool from_rootfs;
	bool file_from_rootfs;
	bool upper_layer;
	bool fupper_layer;
	bool pupper_layer;
	bool args_truncated;
	__u16 __unused;
	__u32 dev_major;
	__u32 dev_minor;
	int args_count;
	__u32 args_size;
	__u64 inode;
	__u64 ctime;
	__u64 fctime;
	__u64 pctime;
	char args[ARGS_MAX];
	char cwd[GADGET_PATH_MAX];
	char file[GADGET_PATH_MAX];
	char exepath[GADGET_PATH_MAX];
	char parent_exepath[GADGET_PATH_MAX];
};

/* Whether events have cwd, file, exepath and parent_exepath. */
const volatile bool paths = false;

GADGET_PARAM(paths);

GADGET_TRACER_MAP(events, 1024 * 1024);

GADGET_TRACER(exec, events, event);

static __always_inline void send(void *ctx, struct event *event)
{
	__u64 size = sizeof(*event);

	if (!paths) {
		/* With the final NUL. */
		size = offsetof(struct event, args) + event->args_size + 1;
		/*
		 * Bound the number that the helper gets: verifiers before 6.2 do not
		 * follow a bound from one register to another that clang derives from it.
		 */
		barrier_var(size);
		if (size > sizeof(*event))
			return;
	}
	gadget_output_buf(ctx, &events, event, size);
}

#endif /* __EVENT_H */
