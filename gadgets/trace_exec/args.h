/* SPDX-License-Identifier: GPL-2.0-only */

/* Where an event is built, and the arguments of programs. */

#ifndef __ARGS_H
#define __ARGS_H

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "event.h"

/* A bound for the loop over the arguments. */
#define ARG_STEPS 256

/* An argument is copied in pieces of at most this many bytes, NUL included. */
#define PIECE 256

/*
 * Arguments are joined with U+00A0, a space that hardly any argument contains,
 * so that they can be told apart again. In UTF-8 it has two bytes.
 */
#define SEPARATOR_1   0xc2
#define SEPARATOR_2   0xa0
#define SEPARATOR_LEN 2

/*
 * Where an event is built, with the state of the loop over the arguments: in a
 * map, because all that is read from there looks the same to the verifier, where
 * registers would give it a state per sum of lengths.
 */
struct exec_draft {
	struct event event;
	__u64 from;
	__u32 used;
	__u32 inside;
};

/* Two kinds of programs, of which one may interrupt the other. */
enum draft_slot {
	SLOT_EXEC,
	SLOT_EXIT,
	SLOTS,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct exec_draft);
} drafts SEC(".maps");

static const struct event no_event = {};

static __always_inline struct exec_draft *new_event(__u32 slot)
{
	struct exec_draft *draft = bpf_map_lookup_elem(&drafts, &slot);

	if (!draft)
		return NULL;

	/* With paths the event travels whole; without, only up to the end of args. */
	if (paths)
		bpf_probe_read_kernel(&draft->event, sizeof(draft->event), &no_event);
	else
		__builtin_memset(&draft->event, 0, offsetof(struct event, args));
	draft->from = 0;
	draft->used = 0;
	draft->inside = 0;
	return draft;
}

/*
 * Copies the next piece of text from the process to the end of args. False where
 * there is no room, or nothing to read.
 */
static __always_inline bool copy_piece(struct exec_draft *draft)
{
	struct event *event = &draft->event;
	__u32 used = draft->used;
	long len;

	if (used > ARGS_MAX - PIECE - SEPARATOR_LEN)
		return false;

	if (!draft->inside && event->args_count) {
		event->args[used] = SEPARATOR_1;
		event->args[used + 1] = SEPARATOR_2;
		used += SEPARATOR_LEN;
	}

	len = bpf_probe_read_user_str(&event->args[used], PIECE, (void *)draft->from);
	if (len < 0)
		return false;
	/* Of an empty text kernels before 6.12 do not count the NUL. */
	if (!len)
		len = 1;
	if (!draft->inside)
		event->args_count++;

	/* A full piece may have more text behind it; at worst an empty one follows. */
	draft->inside = len == PIECE;
	draft->used = used + len - 1;
	draft->from += draft->inside ? len - 1 : len;
	return true;
}

/* After the loop: ends the text, also where a separator was the last thing written. */
static __always_inline void end_args(struct exec_draft *draft, bool complete)
{
	__u32 used = draft->used;

	if (used < ARGS_MAX)
		draft->event.args[used] = '\0';
	draft->event.args_size = used;
	draft->event.args_truncated = !complete;
}

/* The arguments of the running program: one text behind the other. */
static __always_inline void args_from_memory(struct exec_draft *draft, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	__u64 end = BPF_CORE_READ(mm, arg_end);

	draft->from = BPF_CORE_READ(mm, arg_start);
	for (int i = 0; i < ARG_STEPS; i++) {
		if (draft->from >= end || !copy_piece(draft))
			break;
	}
	end_args(draft, draft->from >= end);
}

/* The arguments of a call: an array of pointers, with NULL behind the last. */
static __always_inline void args_from_array(struct exec_draft *draft, __u64 argv)
{
	bool complete = false;

	for (int i = 0; i < ARG_STEPS; i++) {
		__u64 arg = 0;

		if (!draft->inside) {
			__u64 slot = argv + draft->event.args_count * sizeof(arg);

			if (bpf_probe_read_user(&arg, sizeof(arg), (void *)slot))
				break;
			if (!arg) {
				complete = true;
				break;
			}
			draft->from = arg;
		}
		if (!copy_piece(draft))
			break;
	}
	end_args(draft, complete);
}

#endif /* __ARGS_H */
