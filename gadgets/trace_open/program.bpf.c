// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for every file that a process opens, or tries to: open, openat,
 * openat2 and creat. The arguments are kept from the entry of the system call to
 * its exit, where the result is known and the kernel has brought in the pages
 * that the arguments point to.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define GADGET_NO_BUF_RESERVE
#include <gadget/buffer.h>
#include <gadget/common.h>
#include <gadget/filesystem.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/types.h>

/* What vmlinux.h lacks of the uapi headers: macros. Equal on amd64 and arm64. */
#define O_WRONLY        1
#define O_CREAT         0100
#define O_TRUNC         01000
#define O_TMPFILE_ALONE 020000000
#define S_IALLUGO       07777
#define EINTR           4

/* Inside the kernel only: the call starts again, or the process sees EINTR. */
#define ERESTARTSYS           512
#define ERESTART_RESTARTBLOCK 516

/* From the entry of a system call to its exit. */
struct args_t {
	const char *fname;
	/* Of openat2: flags and mode are in the memory of the process. */
	const __u64 *how;
	__u32 flags;
	__u32 mode;
};

/*
 * An event ends where the last text in use ends. There are no holes, which would
 * carry old bytes to the runner.
 */
struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;

	gadget_errno error_raw;
	__u32 fd;
	gadget_file_flags flags_raw;
	gadget_file_mode mode_raw;
	char fname[PATH_MAX];
	char fpath[GADGET_PATH_MAX];
};

const volatile bool targ_failed = false;
const volatile bool paths = false;

GADGET_PARAM(targ_failed);
GADGET_PARAM(paths);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, __u64);
	__type(value, struct args_t);
} start SEC(".maps");

/* Where an event is built: it is larger than the stack, and most of it stays unused. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct event);
} scratch SEC(".maps");

static const char no_name[PATH_MAX] = {};

GADGET_TRACER_MAP(events, 1024 * 1024);

GADGET_TRACER(open, events, event);

static __always_inline int keep_args(const struct args_t *args)
{
	__u64 thread = bpf_get_current_pid_tgid();

	if (gadget_should_discard_data_current())
		return 0;

	if (bpf_map_update_elem(&start, &thread, args, BPF_ANY))
		gadget_lost(&events); /* too many calls are under way */
	return 0;
}

static __always_inline int enter(unsigned long fname, unsigned long flags, unsigned long mode)
{
	struct args_t args = {
		.fname = (const char *)fname,
		.flags = flags,
		.mode = mode,
	};

	return keep_args(&args);
}

/* Without O_CREAT the kernel ignores mode, which is then whatever the register held. */
static __always_inline __u32 effective_mode(__u32 flags, __u32 mode)
{
	return flags & (O_CREAT | O_TMPFILE_ALONE) ? mode & S_IALLUGO : 0;
}

static __always_inline void fill_args(struct event *event, const struct args_t *args)
{
	__u32 flags = args->flags;
	__u32 mode = args->mode;
	__u64 how[2] = {};

	if (args->how) {
		/* struct open_how begins with flags and mode; unreadable ones stay 0. */
		bpf_probe_read_user(how, sizeof(how), args->how);
		flags = how[0];
		mode = how[1];
	}

	event->flags_raw = flags;
	event->mode_raw = effective_mode(flags, mode);
}

static __always_inline void fill_result(struct event *event, long ret)
{
	event->fd = 0;
	event->error_raw = 0;

	if (ret >= 0)
		event->fd = ret;
	else if (-ret >= ERESTARTSYS && -ret <= ERESTART_RESTARTBLOCK)
		event->error_raw = EINTR;
	else
		event->error_raw = -ret;
}

/* Writes both paths. The length of the event, which ends with the last of them. */
static __always_inline __u64 fill_paths(struct event *event, const char *fname, long ret)
{
	long len;

	if (paths)
		bpf_probe_read_kernel(event->fname, sizeof(event->fname), no_name);

	len = bpf_probe_read_user_str(event->fname, sizeof(event->fname), fname);
	if (len <= 0 || len > sizeof(event->fname)) {
		event->fname[0] = '\0';
		len = 1;
	}
	if (!paths)
		return offsetof(struct event, fname) + len;

	len = -1;
	if (ret >= 0)
		len = read_full_path_of_open_file_fd(ret, event->fpath, sizeof(event->fpath));
	if (len <= 0 || len > sizeof(event->fpath)) {
		event->fpath[0] = '\0';
		len = 1;
	}
	return offsetof(struct event, fpath) + len;
}

static __always_inline int leave(struct syscall_trace_exit *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct args_t *kept, args;
	struct event *event;
	long ret = ctx->ret;
	__u32 zero = 0;

	kept = bpf_map_lookup_elem(&start, &thread);
	if (!kept)
		return 0;
	args = *kept;
	bpf_map_delete_elem(&start, &thread);

	if (targ_failed && ret >= 0)
		return 0;

	event = bpf_map_lookup_elem(&scratch, &zero);
	if (!event)
		return 0;

	event->timestamp_raw = bpf_ktime_get_boot_ns();
	gadget_process_populate(&event->proc);
	fill_args(event, &args);
	fill_result(event, ret);
	gadget_output_buf(ctx, &events, event, fill_paths(event, args.fname, ret));
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_openat")
int enter_openat(struct syscall_trace_enter *ctx)
{
	return enter(ctx->args[1], ctx->args[2], ctx->args[3]);
}

SEC("tracepoint/syscalls/sys_exit_openat")
int exit_openat(struct syscall_trace_exit *ctx)
{
	return leave(ctx);
}

SEC("tracepoint/syscalls/sys_enter_openat2")
int enter_openat2(struct syscall_trace_enter *ctx)
{
	struct args_t args = {
		.fname = (const char *)ctx->args[1],
		.how = (const __u64 *)ctx->args[2],
	};

	return keep_args(&args);
}

SEC("tracepoint/syscalls/sys_exit_openat2")
int exit_openat2(struct syscall_trace_exit *ctx)
{
	return leave(ctx);
}

/* The two older calls; arm64 never had them. */
#ifdef __TARGET_ARCH_x86
SEC("tracepoint/syscalls/sys_enter_open")
int enter_open(struct syscall_trace_enter *ctx)
{
	return enter(ctx->args[0], ctx->args[1], ctx->args[2]);
}

SEC("tracepoint/syscalls/sys_exit_open")
int exit_open(struct syscall_trace_exit *ctx)
{
	return leave(ctx);
}

SEC("tracepoint/syscalls/sys_enter_creat")
int enter_creat(struct syscall_trace_enter *ctx)
{
	return enter(ctx->args[0], O_CREAT | O_WRONLY | O_TRUNC, ctx->args[1]);
}

SEC("tracepoint/syscalls/sys_exit_creat")
int exit_creat(struct syscall_trace_exit *ctx)
{
	return leave(ctx);
}
#endif /* __TARGET_ARCH_x86 */

char LICENSE[] SEC("license") = "GPL";
