// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for every piece of memory that a process gets from its C library or
 * frees. Functions of the library call each other, such as malloc of a large
 * piece mmap, so that a thread may be in several of them at the same time.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <gadget/buffer.h>
#include <gadget/calls.h>
#include <gadget/common.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/types.h>
#include <gadget/user_stack_map.h>

enum memop {
	malloc,
	free,
	calloc,
	realloc,
	realloc_free,
	mmap,
	munmap,
	posix_memalign,
	aligned_alloc,
	valloc,
	memalign,
	pvalloc,
	MEMOPS,
};

struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;

	struct gadget_user_stack ustack;

	enum memop operation_raw;
	__u32 __unused;
	__u64 addr;
	__u64 size;
};

/* From the entry of a function to its return. */
struct call {
	__u64 size;
	__u64 addr; /* of realloc the former piece, of posix_memalign where the new one is written */
};

GADGET_CALLS_MAP(calls, call, 10240);

GADGET_TRACER_MAP(events, 1024 * 1024);

GADGET_TRACER(malloc, events, event);

static __always_inline int send(struct pt_regs *ctx, enum memop op, __u64 addr, __u64 size)
{
	struct event *event = gadget_reserve_buf(&events, sizeof(*event));

	if (!event)
		return 0;
	event->timestamp_raw = bpf_ktime_get_boot_ns();
	gadget_process_populate(&event->proc);
	event->operation_raw = op;
	event->__unused = 0;
	event->addr = addr;
	event->size = size;
	gadget_get_user_stack(ctx, &event->ustack);
	gadget_submit_buf(ctx, &events, event, sizeof(*event));
	return 0;
}

/* Two functions that are one in some versions of glibc: such a call has two hooks, but one event. */
static __always_inline enum memop function_of(enum memop op)
{
	return op == aligned_alloc ? memalign : op;
}

static __always_inline int enter(enum memop op, __u64 size, __u64 addr)
{
	struct call call = {.size = size, .addr = addr};

	if (gadget_should_discard_data_current())
		return 0;
	gadget_call_begins(&calls, function_of(op), &call, &events);
	return 0;
}

/* Whether the thread is in a call of the function, which then ends. */
static __always_inline bool leave(enum memop op, struct call *call)
{
	return gadget_call_ends(&calls, function_of(op), call);
}

static __always_inline int returned(struct pt_regs *ctx, enum memop op)
{
	struct call call;

	return leave(op, &call) ? send(ctx, op, PT_REGS_RC(ctx), call.size) : 0;
}

/* A piece is given back; NULL is none. */
static __always_inline int gives_back(struct pt_regs *ctx, enum memop op, __u64 addr)
{
	return !addr || gadget_should_discard_data_current() ? 0 : send(ctx, op, addr, 0);
}

#define RETURN(function)                        \
	SEC("uretprobe/libc:" #function)        \
	int BPF_URETPROBE(return_##function)    \
	{                                       \
		return returned(ctx, function); \
	}

/* A function whose size is its first, its second argument. */
#define ALLOCATES(function)                          \
	SEC("uprobe/libc:" #function)                \
	int BPF_UPROBE(enter_##function, __u64 size) \
	{                                            \
		return enter(function, size, 0);     \
	}                                            \
	RETURN(function)

#define ALLOCATES_SECOND(function)                                \
	SEC("uprobe/libc:" #function)                             \
	int BPF_UPROBE(enter_##function, __u64 first, __u64 size) \
	{                                                         \
		return enter(function, size, 0);                  \
	}                                                         \
	RETURN(function)

ALLOCATES(malloc)
ALLOCATES(valloc)
ALLOCATES(pvalloc)
ALLOCATES_SECOND(mmap)
ALLOCATES_SECOND(aligned_alloc)
ALLOCATES_SECOND(memalign)

SEC("uprobe/libc:calloc")
int BPF_UPROBE(enter_calloc, __u64 number, __u64 size)
{
	return enter(calloc, number * size, 0);
}

RETURN(calloc)

SEC("uprobe/libc:realloc")
int BPF_UPROBE(enter_realloc, __u64 former, __u64 size)
{
	return enter(realloc, size, former);
}

/* The former piece stays where realloc fails; without a size there is no new one. */
SEC("uretprobe/libc:realloc")
int BPF_URETPROBE(return_realloc, __u64 addr)
{
	struct call call;

	if (!leave(realloc, &call))
		return 0;
	if (call.addr && (addr || !call.size))
		send(ctx, realloc_free, call.addr, 0);
	return send(ctx, realloc, addr, call.size);
}

SEC("uprobe/libc:posix_memalign")
int BPF_UPROBE(enter_posix_memalign, __u64 where, __u64 alignment, __u64 size)
{
	return enter(posix_memalign, size, where);
}

SEC("uretprobe/libc:posix_memalign")
int BPF_URETPROBE(return_posix_memalign, int error)
{
	struct call call;
	__u64 addr = 0;

	if (!leave(posix_memalign, &call))
		return 0;
	if (!error)
		bpf_probe_read_user(&addr, sizeof(addr), (void *)call.addr);
	return send(ctx, posix_memalign, addr, call.size);
}

SEC("uprobe/libc:free")
int BPF_UPROBE(enter_free, __u64 addr)
{
	return gives_back(ctx, free, addr);
}

SEC("uprobe/libc:munmap")
int BPF_UPROBE(enter_munmap, __u64 addr)
{
	return gives_back(ctx, munmap, addr);
}

/* A thread may end in the middle of a function. */
SEC("raw_tracepoint/sched_process_exit")
int thread_ends(struct bpf_raw_tracepoint_args *ctx)
{
	gadget_calls_forget(&calls, MEMOPS);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
