/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/*
 * Events on their way to the runner: through a ring buffer, or, on kernels that
 * have none (before 5.8), through a perf event array.
 *
 * The object always declares a ring buffer. The runner of an older kernel
 * changes the map's type to a perf event array (key and value of 4 bytes) before
 * it creates it; the code below finds out on its own, by asking the kernel's BTF
 * for the helper.
 *
 * A ring buffer does not report how many events found it full: they are counted (lost.h).
 * A perf event array counts by itself.
 *
 * Waking the reader is what an event costs most. A runner that looks at the ring
 * buffer by itself for a while sets `<map>_batched`, and is then only woken when a
 * quarter of the buffer is full. While it is 0 each event that finds the buffer empty
 * wakes the reader, as for programs without this header.
 */

#ifndef __GADGET_BUFFER_H
#define __GADGET_BUFFER_H

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <gadget/lost.h>

/* Declares the ring buffer `name` of `size` bytes: a power of two, of whole pages. */
#define GADGET_TRACER_MAP(name, size)               \
	struct {                                    \
		__uint(type, BPF_MAP_TYPE_RINGBUF); \
		__uint(max_entries, size);          \
	} name SEC(".maps");                        \
	GADGET_LOST_MAP(name)                       \
	volatile __u32 name##_batched;              \
	const void *gadget_map_tracer_##name __attribute__((unused));

/* Whether this kernel has ring buffers; decided when the program is loaded. */
#define __gadget_has_ringbuf() \
	bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_ringbuf_reserve)

/*
 * The flags with which an event is submitted: those that wake the reader when a quarter
 * of the buffer, two or three have just been filled. Just is a sixteenth of the buffer:
 * events of several CPUs at once may jump over an exact number of bytes.
 */
static __always_inline __u64 __gadget_wakeup(void *map, volatile __u32 *batched)
{
	__u64 mark, used;

	if (!*batched)
		return 0;
	mark = bpf_ringbuf_query(map, BPF_RB_RING_SIZE) / 4;
	used = bpf_ringbuf_query(map, BPF_RB_AVAIL_DATA);
	return used >= mark && (used & (mark - 1)) < mark / 4 ? BPF_RB_FORCE_WAKEUP
							      : BPF_RB_NO_WAKEUP;
}

#ifndef GADGET_NO_BUF_RESERVE

/* The largest event of gadget_reserve_buf on a kernel without ring buffers. */
#ifndef GADGET_MAX_EVENT_SIZE
#define GADGET_MAX_EVENT_SIZE 10240
#endif

/* Where an event is built on a kernel without ring buffers. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, GADGET_MAX_EVENT_SIZE);
} gadget_heap SEC(".maps");

/*
 * void *gadget_reserve_buf(map, size): memory for one event, or NULL where the
 * buffer is full. `map` is written with its `&`, size is a constant. The memory
 * holds what was there before: write every byte. Give it back with
 * gadget_submit_buf or gadget_discard_buf on every path.
 */
#define gadget_reserve_buf(map, size) __gadget_reserve_buf(map, map##_lost_samples, size)

static __always_inline void *__gadget_reserve_buf(void *map, void *lost_samples, __u64 size)
{
	__u32 zero = 0;
	void *event;

	if (!__gadget_has_ringbuf())
		return bpf_map_lookup_elem(&gadget_heap, &zero);

	event = bpf_ringbuf_reserve(map, size, 0);
	if (!event)
		__gadget_lost(lost_samples);
	return event;
}

/* Drops an event of gadget_reserve_buf. */
static __always_inline void gadget_discard_buf(void *buf)
{
	if (__gadget_has_ringbuf())
		bpf_ringbuf_discard(buf, 0);
}

/*
 * long gadget_submit_buf(ctx, map, buf, size): sends an event of gadget_reserve_buf,
 * with the map and the size given there.
 */
#define gadget_submit_buf(ctx, map, buf, size) \
	__gadget_submit_buf(ctx, map, map##_batched, buf, size)

static __always_inline long __gadget_submit_buf(void *ctx, void *map, volatile __u32 *batched,
						void *buf, __u64 size)
{
	if (!__gadget_has_ringbuf())
		return bpf_perf_event_output(ctx, map, BPF_F_CURRENT_CPU, buf, size);

	bpf_ringbuf_submit(buf, __gadget_wakeup(map, batched));
	return 0;
}

#endif /* !GADGET_NO_BUF_RESERVE */

/*
 * long gadget_output_buf(ctx, map, buf, size): copies an event of any size into
 * the buffer. 0, or a negative errno; a full ring buffer is counted and gives 0, so that
 * callers need not distinguish the kinds of buffers. `map` is written with its `&`.
 */
#define gadget_output_buf(ctx, map, buf, size) \
	__gadget_output_buf(ctx, map, map##_lost_samples, map##_batched, buf, size)

static __always_inline long __gadget_output_buf(void *ctx, void *map, void *lost_samples,
						volatile __u32 *batched, void *buf, __u64 size)
{
	if (!__gadget_has_ringbuf())
		return bpf_perf_event_output(ctx, map, BPF_F_CURRENT_CPU, buf, size);

	if (bpf_ringbuf_output(map, buf, size, __gadget_wakeup(map, batched)))
		__gadget_lost(lost_samples);
	return 0;
}

#endif /* __GADGET_BUFFER_H */
