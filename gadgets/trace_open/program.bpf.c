// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for every file that a process opens, or tries to: open, openat,
 * openat2 and creat. All of it is read at the exit of the system call, where the
 * result is known and the kernel has brought in the pages that the arguments point
 * to.
 */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

#define GADGET_NO_BUF_RESERVE
#include <gadget/buffer.h>
#include <gadget/common.h>
#include <gadget/filesystem.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/registers.h>
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

/* The arguments of a system call. */
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

static __always_inline bool unwanted(struct syscall_trace_exit *ctx)
{
	return (targ_failed && ctx->ret >= 0) || gadget_should_discard_data_current();
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

static __always_inline int report(struct syscall_trace_exit *ctx, const struct args_t *args)
{
	struct event *event;
	long ret = ctx->ret;
	__u32 zero = 0;

	event = bpf_map_lookup_elem(&scratch, &zero);
	if (!event)
		return 0;

	event->timestamp_raw = bpf_ktime_get_boot_ns();
	gadget_process_populate(&event->proc);
	fill_args(event, args);
	fill_result(event, ret);
	gadget_output_buf(ctx, &events, event, fill_paths(event, args->fname, ret));
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_openat")
int exit_openat(struct syscall_trace_exit *ctx)
{
	struct args_t args = {};
	struct pt_regs *regs;

	if (unwanted(ctx))
		return 0;

	regs = gadget_entry_registers(ctx);
	args.fname = (const char *)gadget_argument(regs, 2);
	args.flags = gadget_argument(regs, 3);
	args.mode = gadget_argument(regs, 4);
	return report(ctx, &args);
}

SEC("tracepoint/syscalls/sys_exit_openat2")
int exit_openat2(struct syscall_trace_exit *ctx)
{
	struct args_t args = {};
	struct pt_regs *regs;

	if (unwanted(ctx))
		return 0;

	regs = gadget_entry_registers(ctx);
	args.fname = (const char *)gadget_argument(regs, 2);
	args.how = (const __u64 *)gadget_argument(regs, 3);
	return report(ctx, &args);
}

/* The two older calls; arm64 never had them. */
#ifdef __TARGET_ARCH_x86
SEC("tracepoint/syscalls/sys_exit_open")
int exit_open(struct syscall_trace_exit *ctx)
{
	struct args_t args = {};
	struct pt_regs *regs;

	if (unwanted(ctx))
		return 0;

	regs = gadget_entry_registers(ctx);
	args.fname = (const char *)gadget_argument(regs, 1);
	args.flags = gadget_argument(regs, 2);
	args.mode = gadget_argument(regs, 3);
	return report(ctx, &args);
}

SEC("tracepoint/syscalls/sys_exit_creat")
int exit_creat(struct syscall_trace_exit *ctx)
{
	struct args_t args = {.flags = O_CREAT | O_WRONLY | O_TRUNC};
	struct pt_regs *regs;

	if (unwanted(ctx))
		return 0;

	regs = gadget_entry_registers(ctx);
	args.fname = (const char *)gadget_argument(regs, 1);
	args.mode = gadget_argument(regs, 2);
	return report(ctx, &args);
}
#endif /* __TARGET_ARCH_x86 */

char LICENSE[] SEC("license") = "GPL";
