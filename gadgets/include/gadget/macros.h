/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/*
 * How a gadget declares to its runner what it offers. Every macro declares a global
 * that no code reads: its name, in parts separated by three underscores, is the
 * message, and BTF carries it. Where a struct is named, a second global of that
 * pointer type keeps the struct in the BTF of the object.
 *
 * One message has no macro: a program called `x__fallback` takes the place of
 * program `x` where the kernel cannot attach that one (a kprobe for a fentry
 * program, a raw tracepoint for tp_btf).
 */

#ifndef __GADGET_MACROS_H
#define __GADGET_MACROS_H

#define __gadget_note  const void *
#define __gadget_quiet __attribute__((unused))

/* Expands its arguments before joining them. */
#define __gadget_join(a, b)     __gadget_join_now(a, b)
#define __gadget_join_now(a, b) a##b

/* How many arguments: 1 to 3. */
#define __gadget_count(...)              __gadget_fourth(__VA_ARGS__, 3, 2, 1, 0)
#define __gadget_fourth(a, b, c, n, ...) n

#define __gadget_iter_1(name, type, p) \
	__gadget_note gadget_iter_##name##___##type##___##p __gadget_quiet;
#define __gadget_iter_2(name, type, p, q) \
	__gadget_note gadget_iter_##name##___##type##___##p##___##q __gadget_quiet;
#define __gadget_iter_3(name, type, p, q, r) \
	__gadget_note gadget_iter_##name##___##type##___##p##___##q##___##r __gadget_quiet;

/*
 * GADGET_TRACER: data source `name` delivers every record of the ring buffer
 * `map_name` (see GADGET_TRACER_MAP) as one event of `struct event_type`.
 */
#define GADGET_TRACER(name, map_name, event_type)                                          \
	__gadget_note gadget_tracer_##name##___##map_name##___##event_type __gadget_quiet; \
	const struct event_type *__gadget_tracer_type_##name __gadget_quiet;

/*
 * GADGET_PARAM: the runner may set the `const volatile` variable `name` before
 * it loads the programs, and offers it as a flag.
 */
#define GADGET_PARAM(name) __gadget_note gadget_param_##name __gadget_quiet;

/*
 * GADGET_ITER: data source `name` is an array of `struct type`, filled by one to
 * three BPF iterator programs that write such structs to their seq_file.
 */
#define GADGET_ITER(name, type, ...)                                 \
	const struct type *__gadget_iter_type_##name __gadget_quiet; \
	__gadget_join(__gadget_iter_, __gadget_count(__VA_ARGS__))(name, type, __VA_ARGS__)

/* GADGET_SNAPSHOTTER: the former name of GADGET_ITER. */
#define GADGET_SNAPSHOTTER(name, type, ...) GADGET_ITER(name, type, __VA_ARGS__)

/*
 * GADGET_ITER_TARGET_MAP: the iter/bpf_map_elem program `prog_name` walks the
 * map `mapname`, which the kernel wants to know when the program is attached.
 */
#define GADGET_ITER_TARGET_MAP(prog_name, mapname) \
	__gadget_note gadget_mapelem_iter_target_##prog_name##___##mapname __gadget_quiet;

/*
 * GADGET_MAPITER: data source `name` is the content of the hash map `mapname`,
 * whose key and value are structs, read at every interval.
 */
#define GADGET_MAPITER(name, mapname) \
	__gadget_note gadget_mapiter_##name##___##mapname __gadget_quiet;

/*
 * GADGET_SK_TARGET_MAP: the sk_skb or sk_msg program `prog_name` is attached to
 * the sockmap or sockhash `mapname`.
 */
#define GADGET_SK_TARGET_MAP(prog_name, mapname) \
	__gadget_note gadget_sk_prog_target_##prog_name##___##mapname __gadget_quiet;

#endif /* __GADGET_MACROS_H */
