// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for what a process writes to a terminal. The line discipline of terminals
 * is handed the bytes in the memory of the kernel, at most 2048 at a time, whichever
 * call they come from.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <gadget/buffer.h>
#include <gadget/common.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/types.h>

/* The sizes of the room for bytes behind an event. */
#define ROOM_SMALL 128
#define ROOM_LARGE 2048

#define TTY_NAME_SIZE 32

/* The bytes follow it. */
struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;

	__u64 ino;
	__u64 inoptr;
	char tty[TTY_NAME_SIZE];
	__u64 len;
};

const volatile bool input = false;

GADGET_PARAM(input);

GADGET_TRACER_MAP(events, 256 * 1024);

GADGET_TRACER(ttysnoop, events, event);

/* Whether it is the side of a pseudo terminal that a program has in the place of a person. */
static __always_inline bool is_master(const char *name)
{
	return name[0] == 'p' && name[1] == 't' && name[2] == 'm';
}

static __always_inline int send(void *ctx, struct tty_struct *tty, struct file *file,
				const void *bytes, __u64 len, const __u64 room)
{
	struct event *event = gadget_reserve_buf(&events, sizeof(*event) + room);
	struct inode *inode;

	if (!event)
		return 0;
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	gadget_process_populate(&event->proc);
	inode = BPF_CORE_READ(file, f_inode);
	event->ino = BPF_CORE_READ(inode, i_ino);
	event->inoptr = (__u64)inode;
	__builtin_memset(event->tty, 0, sizeof(event->tty));
	bpf_probe_read_kernel_str(event->tty, sizeof(event->tty), tty->name);
	event->len = len;
	barrier_var(len); /* the verifier wants the limit on what is passed on */
	if (len > room)
		len = room;
	bpf_probe_read_kernel(event + 1, len, bytes);
	gadget_submit_buf(ctx, &events, event, sizeof(*event) + room);
	return 0;
}

static __always_inline int write(void *ctx, struct tty_struct *tty, struct file *file,
				 const void *bytes, long len)
{
	char name[4] = {};

	if (len <= 0 || gadget_should_discard_data_current())
		return 0;
	bpf_probe_read_kernel_str(name, sizeof(name), tty->name);
	if (is_master(name) && !input)
		return 0;
	if (len <= ROOM_SMALL)
		return send(ctx, tty, file, bytes, len, ROOM_SMALL);
	return send(ctx, tty, file, bytes, len, ROOM_LARGE);
}

/* The bytes are still there, and what the function returns is how many the terminal took. */
SEC("fexit/n_tty_write")
int BPF_PROG(written, struct tty_struct *tty, struct file *file, const void *bytes, size_t len,
	     long taken)
{
	return write(ctx, tty, file, bytes, taken);
}

/* arm64 has neither fentry nor fexit before 6.4. */
SEC("kprobe/n_tty_write")
int BPF_KPROBE(written__fallback, struct tty_struct *tty, struct file *file, const void *bytes,
	       size_t len)
{
	return write(ctx, tty, file, bytes, len);
}

char LICENSE[] SEC("license") = "GPL";
