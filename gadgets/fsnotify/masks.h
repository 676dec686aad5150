/* SPDX-License-Identifier: GPL-2.0-only */

/* The names of what an event says, as in linux/inotify.h and linux/fanotify.h. */

#ifndef __MASKS_H
#define __MASKS_H

#include <vmlinux.h>

/* What a fanotify event may say to its reader; inotify has fewer. */
#define INTERNAL_MASK 0x08000000
#define INOTIFY_MASK  0x4000efff

enum fsnotify_event_kind { inotify = 2, fanotify, fa_resp };

enum fa_response { na, allow, deny, interrupted };

enum i_mask_set : __u32 {
	IN_ACCESS = 0x1,
	IN_MODIFY = 0x2,
	IN_ATTRIB = 0x4,
	IN_CLOSE_WRITE = 0x8,
	IN_CLOSE_NOWRITE = 0x10,
	IN_OPEN = 0x20,
	IN_MOVED_FROM = 0x40,
	IN_MOVED_TO = 0x80,
	IN_CREATE = 0x100,
	IN_DELETE = 0x200,
	IN_DELETE_SELF = 0x400,
	IN_MOVE_SELF = 0x800,
	IN_UNMOUNT = 0x2000,
	IN_Q_OVERFLOW = 0x4000,
	IN_IGNORED = 0x8000,
	IN_ISDIR = 0x40000000,
};

enum fa_mask_set : __u32 {
	FAN_ACCESS = 0x1,
	FAN_MODIFY = 0x2,
	FAN_ATTRIB = 0x4,
	FAN_CLOSE_WRITE = 0x8,
	FAN_CLOSE_NOWRITE = 0x10,
	FAN_OPEN = 0x20,
	FAN_MOVED_FROM = 0x40,
	FAN_MOVED_TO = 0x80,
	FAN_CREATE = 0x100,
	FAN_DELETE = 0x200,
	FAN_DELETE_SELF = 0x400,
	FAN_MOVE_SELF = 0x800,
	FAN_OPEN_EXEC = 0x1000,
	FAN_Q_OVERFLOW = 0x4000,
	FAN_FS_ERROR = 0x8000,
	FAN_OPEN_PERM = 0x10000,
	FAN_ACCESS_PERM = 0x20000,
	FAN_OPEN_EXEC_PERM = 0x40000,
	FAN_PRE_ACCESS = 0x100000,
	FAN_RENAME = 0x10000000,
	FAN_ONDIR = 0x40000000,
};

#endif /* __MASKS_H */
