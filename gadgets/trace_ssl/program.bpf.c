// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for every call of a TLS library that ends a handshake, or reads or writes
 * the bytes that the connection protects. The bytes are read when the function returns:
 * a function that reads has then filled them in.
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

/* The sizes of the room for bytes behind an event; of more bytes the first ones are sent. */
#define ROOM_SMALL  128
#define ROOM_MEDIUM 1024
#define ROOM_LARGE  8192

/* The type of NSPR's descriptors that have others below, as those of TLS do. */
#define PR_DESC_LAYERED 4

/* The library and the function; PR_ functions are in NSS's libnspr4. */
enum operation {
	libssl_SSL_do_handshake,
	libssl_SSL_read,
	libssl_SSL_write,
	libgnutls_gnutls_record_send,
	libgnutls_gnutls_record_recv,
	libnss_PR_Write,
	libnss_PR_Send,
	libnss_PR_Read,
	libnss_PR_Recv,
	libssl_SSL_read_ex,
	libssl_SSL_write_ex,
	libgnutls_gnutls_handshake,
	OPERATIONS,
};

/* The bytes follow it. */
struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;

	enum operation operation_raw;
	__s32 error;
	__u64 latency_ns;
	__u64 len;
};

const volatile bool record_data = true;
const volatile bool ignore_errors = true;

GADGET_PARAM(record_data);
GADGET_PARAM(ignore_errors);

/* From the entry of a function to its return. */
struct call {
	__u64 start;
	const void *bytes; /* NULL of a handshake */
	const __u64 *len;  /* where functions write it that do not return it */
};

GADGET_CALLS_MAP(calls, call, 10240);

GADGET_TRACER_MAP(events, 1024 * 1024);

GADGET_TRACER(ssl, events, event);

/* What a call came to: either an error, or len bytes, 0 of a handshake. */
struct outcome {
	enum operation operation;
	__s32 error;
	__u64 len;
};

static __always_inline int send_room(struct pt_regs *ctx, const struct call *call,
				     const struct outcome *outcome, const __u64 room)
{
	struct event *event = gadget_reserve_buf(&events, sizeof(*event) + room);
	__u64 now = bpf_ktime_get_boot_ns(), len = outcome->len;

	if (!event)
		return 0;
	event->timestamp_raw = now;
	gadget_process_populate(&event->proc);
	event->operation_raw = outcome->operation;
	event->error = outcome->error;
	event->latency_ns = now - call->start;
	event->len = len;
	if (room) {
		barrier_var(len); /* the verifier wants the limit on what is passed on */
		if (len > room)
			len = room;
		bpf_probe_read_user(event + 1, len, call->bytes);
	}
	gadget_submit_buf(ctx, &events, event, sizeof(*event) + room);
	return 0;
}

static __always_inline int send(struct pt_regs *ctx, const struct call *call,
				const struct outcome *outcome)
{
	if (!record_data || !outcome->len)
		return send_room(ctx, call, outcome, 0);
	if (outcome->len <= ROOM_SMALL)
		return send_room(ctx, call, outcome, ROOM_SMALL);
	if (outcome->len <= ROOM_MEDIUM)
		return send_room(ctx, call, outcome, ROOM_MEDIUM);
	return send_room(ctx, call, outcome, ROOM_LARGE);
}

static __always_inline int enter(enum operation operation, const void *bytes, const __u64 *len)
{
	struct call call = {.start = bpf_ktime_get_boot_ns(), .bytes = bytes, .len = len};

	if (gadget_should_discard_data_current())
		return 0;
	gadget_call_begins(&calls, operation, &call, &events);
	return 0;
}

/* A handshake is over when the function returns a certain number. */
static __always_inline int handshake_ends(struct pt_regs *ctx, enum operation operation,
					  int complete)
{
	int ret = PT_REGS_RC(ctx);
	struct outcome outcome = {.operation = operation};
	struct call call;

	if (!gadget_call_ends(&calls, operation, &call) || (ret != complete && ignore_errors))
		return 0;
	if (ret != complete)
		outcome.error = ret ?: -1;
	return send(ctx, &call, &outcome);
}

/* The function returns how many bytes it transferred, a number below 0 where it failed. */
static __always_inline int returns_length(struct pt_regs *ctx, enum operation operation)
{
	long ret = (int)PT_REGS_RC(ctx);
	struct outcome outcome = {.operation = operation};
	struct call call;

	if (!gadget_call_ends(&calls, operation, &call) || (ret <= 0 && ignore_errors))
		return 0;
	if (ret > 0)
		outcome.len = ret;
	else
		outcome.error = ret;
	return send(ctx, &call, &outcome);
}

/* The function returns 1, and writes how many bytes it transferred. */
static __always_inline int writes_length(struct pt_regs *ctx, enum operation operation)
{
	bool done = (int)PT_REGS_RC(ctx) == 1;
	struct outcome outcome = {.operation = operation, .error = done ? 0 : -1};
	struct call call;

	if (!gadget_call_ends(&calls, operation, &call) || (!done && ignore_errors))
		return 0;
	if (done)
		bpf_probe_read_user(&outcome.len, sizeof(outcome.len), call.len);
	return send(ctx, &call, &outcome);
}

#define RETURN(library, function, ends, ...)    \
	SEC("uretprobe/" library ":" #function) \
	int BPF_URETPROBE(return_##function)    \
	{                                       \
		return ends(ctx, __VA_ARGS__);  \
	}

#define HANDSHAKE(library, function, complete)                  \
	SEC("uprobe/" #library ":" #function)                   \
	int BPF_UPROBE(enter_##function)                        \
	{                                                       \
		return enter(library##_##function, NULL, NULL); \
	}                                                       \
	RETURN(#library, function, handshake_ends, library##_##function, complete)

#define TRANSFER(library, function)                                           \
	SEC("uprobe/" #library ":" #function)                                 \
	int BPF_UPROBE(enter_##function, void *connection, const void *bytes) \
	{                                                                     \
		return enter(library##_##function, bytes, NULL);              \
	}                                                                     \
	RETURN(#library, function, returns_length, library##_##function)

#define TRANSFER_EX(function)                                                             \
	SEC("uprobe/libssl:" #function)                                                   \
	int BPF_UPROBE(enter_##function, void *connection, const void *bytes, __u64 most, \
		       const __u64 *len)                                                  \
	{                                                                                 \
		return enter(libssl_##function, bytes, len);                              \
	}                                                                                 \
	RETURN("libssl", function, writes_length, libssl_##function)

/* What begins a descriptor of NSPR: its functions, where its type comes first. */
static __always_inline bool is_layered(const void *descriptor)
{
	const void *methods = NULL;
	int type = PR_DESC_LAYERED;

	if (!bpf_probe_read_user(&methods, sizeof(methods), descriptor))
		bpf_probe_read_user(&type, sizeof(type), methods);
	return type == PR_DESC_LAYERED;
}

/* These functions read and write files and plain sockets, too. */
#define TRANSFER_NSPR(function)                                                     \
	SEC("uprobe/libnspr4:" #function)                                           \
	int BPF_UPROBE(enter_##function, const void *descriptor, const void *bytes) \
	{                                                                           \
		if (!is_layered(descriptor))                                        \
			return 0;                                                   \
		return enter(libnss_##function, bytes, NULL);                       \
	}                                                                           \
	RETURN("libnspr4", function, returns_length, libnss_##function)

HANDSHAKE(libssl, SSL_do_handshake, 1)
TRANSFER(libssl, SSL_read)
TRANSFER(libssl, SSL_write)
TRANSFER_EX(SSL_read_ex)
TRANSFER_EX(SSL_write_ex)

HANDSHAKE(libgnutls, gnutls_handshake, 0)
TRANSFER(libgnutls, gnutls_record_recv)
TRANSFER(libgnutls, gnutls_record_send)

TRANSFER_NSPR(PR_Read)
TRANSFER_NSPR(PR_Write)
TRANSFER_NSPR(PR_Recv)
TRANSFER_NSPR(PR_Send)

/* A thread may end in the middle of a function. */
SEC("raw_tracepoint/sched_process_exit")
int thread_ends(struct bpf_raw_tracepoint_args *ctx)
{
	gadget_calls_forget(&calls, OPERATIONS);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
