// SPDX-License-Identifier: GPL-2.0-only

/*
 * One event for every program that a process executes, and on demand for every
 * attempt that failed.
 *
 * Successes are reported by the tracepoint sched_process_exec, in the new
 * program's memory, where the kernel has just laid out the arguments. Failures
 * are reported at the exit of the system call, where the memory of the caller is
 * as it was. An exec from a thread that is not the leader enters as one thread
 * and leaves as another: sched_process_exec knows both.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define GADGET_NO_BUF_RESERVE
#include <gadget/buffer.h>
#include <gadget/common.h>
#include <gadget/core_fixes.bpf.h>
#include <gadget/filesystem.h>
#include <gadget/filter.h>
#include <gadget/macros.h>
#include <gadget/types.h>

/* From the uapi header magic.h. */
#define OVERLAYFS_SUPER_MAGIC 0x794c7630

/* Kernel numbers of devices: 12 bits major, 20 bits minor. */
#define MINOR_BITS 20
#define MINOR_MASK ((1U << MINOR_BITS) - 1)

/* Inside the kernel only: the call starts again, or the process sees EINTR. */
#define ERESTARTSYS           512
#define ERESTART_RESTARTBLOCK 516
#define EINTR                 4

/* The user id of a process that nobody has logged in for. */
#define NO_LOGIN 0xffffffff

/* What of the arguments is shown: bytes in all, and a bound for the loop. */
#define ARGS_MAX  8192
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

const volatile bool ignore_failed = true;
const volatile bool paths = false;

GADGET_PARAM(ignore_failed);
GADGET_PARAM(paths);

/* From the entry of a system call to its end, by the id of the thread. */
struct exec_call {
	__u64 started;
	__u64 argv;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct exec_call);
} execs SEC(".maps");

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

GADGET_TRACER_MAP(events, 1024 * 1024);

GADGET_TRACER(exec, events, event);

static __always_inline int enter(unsigned long argv)
{
	struct exec_call call = {.started = bpf_ktime_get_boot_ns(), .argv = argv};
	__u32 tid = (__u32)bpf_get_current_pid_tgid();

	if (gadget_should_discard_data_current())
		return 0;

	if (bpf_map_update_elem(&execs, &tid, &call, BPF_ANY))
		gadget_lost(&events); /* too many calls are under way */
	return 0;
}

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

static __always_inline void fill_login(struct event *event, struct task_struct *task)
{
	/* Kernels without CONFIG_AUDIT have neither. */
	event->loginuid = NO_LOGIN;
	if (bpf_core_field_exists(task->loginuid))
		event->loginuid = BPF_CORE_READ(task, loginuid.val);
	if (bpf_core_field_exists(task->sessionid))
		event->sessionid = BPF_CORE_READ(task, sessionid);
}

static __always_inline void fill_tty(struct event *event, struct task_struct *task)
{
	struct tty_struct *tty = BPF_CORE_READ(task, signal, tty);
	struct tty_driver *driver = BPF_CORE_READ(tty, driver);

	if (!driver)
		return;

	event->tty = BPF_CORE_READ(tty, index);
	event->tty_major = BPF_CORE_READ(driver, major);
	event->tty_minor = BPF_CORE_READ(driver, minor_start) + event->tty;
}

/* Whether an inode of an overlay was changed or made in its upper layer. */
static __always_inline bool in_upper_layer(struct inode *inode)
{
	void *upper = NULL;

	if (BPF_CORE_READ(inode, i_sb, s_magic) != OVERLAYFS_SUPER_MAGIC)
		return false;

	/*
	 * BTF does not have struct ovl_inode, a module's. Behind the embedded
	 * inode it keeps the dentry of the upper layer.
	 */
	bpf_probe_read_kernel(&upper, sizeof(upper),
			      (char *)inode + bpf_core_type_size(struct inode));
	return upper != NULL;
}

/* Whether a file is on the mount that the process has as its root. */
static __always_inline bool on_root_mount(struct task_struct *task, struct file *file)
{
	return BPF_CORE_READ(task, fs, root.mnt) == BPF_CORE_READ(file, f_path.mnt);
}

static __always_inline void copy_path(char text[GADGET_PATH_MAX], struct path *path)
{
	bpf_probe_read_kernel_str(text, GADGET_PATH_MAX, get_path_str(path));
}

static __always_inline void copy_file_path(char text[GADGET_PATH_MAX], struct file *file)
{
	struct path path = {};

	path.dentry = BPF_CORE_READ(file, f_path.dentry);
	path.mnt = BPF_CORE_READ(file, f_path.mnt);
	if (file)
		copy_path(text, &path);
}

static __always_inline void copy_cwd(char text[GADGET_PATH_MAX], struct task_struct *task)
{
	struct path path = {};

	path.dentry = BPF_CORE_READ(task, fs, pwd.dentry);
	path.mnt = BPF_CORE_READ(task, fs, pwd.mnt);
	copy_path(text, &path);
}

/* What is known of the task whether or not it got a new program. */
static __always_inline void fill_task(struct event *event, struct task_struct *task)
{
	gadget_process_populate(&event->proc);
	fill_login(event, task);
	fill_tty(event, task);
	if (!paths)
		return;

	copy_cwd(event->cwd, task);
	copy_file_path(event->exepath, BPF_CORE_READ(task, mm, exe_file));
}

/* The new program, and the parent's. */
static __always_inline void fill_program(struct event *event, struct task_struct *task)
{
	struct file *exe = BPF_CORE_READ(task, mm, exe_file);
	struct inode *inode = BPF_CORE_READ(exe, f_inode);
	struct file *parent_exe = BPF_CORE_READ(task, real_parent, mm, exe_file);
	struct inode *parent_inode = BPF_CORE_READ(parent_exe, f_inode);

	event->from_rootfs = on_root_mount(task, exe);
	event->upper_layer = in_upper_layer(inode);
	event->ctime = gadget_get_ctime_nanosec_from_inode(inode);
	if (parent_inode) {
		event->pupper_layer = in_upper_layer(parent_inode);
		event->pctime = gadget_get_ctime_nanosec_from_inode(parent_inode);
	}
	if (paths)
		copy_file_path(event->parent_exepath, parent_exe);
}

/*
 * The file that was asked for. Of a script the kernel has let go by now, and has
 * kept the path as it was given; otherwise it is the program.
 */
static __always_inline void fill_file(struct event *event, struct task_struct *task,
				      struct linux_binprm *bprm)
{
	const char *given = BPF_CORE_READ(bprm, filename);
	struct file *exe = BPF_CORE_READ(task, mm, exe_file);
	struct inode *inode = BPF_CORE_READ(exe, f_inode);
	dev_t dev;

	if (given != BPF_CORE_READ(bprm, interp)) {
		if (paths)
			bpf_probe_read_kernel_str(event->file, sizeof(event->file), given);
		return;
	}

	dev = BPF_CORE_READ(inode, i_sb, s_dev);
	event->dev_major = dev >> MINOR_BITS;
	event->dev_minor = dev & MINOR_MASK;
	event->inode = BPF_CORE_READ(inode, i_ino);
	event->fctime = event->ctime;
	event->fupper_layer = event->upper_layer;
	event->file_from_rootfs = event->from_rootfs;
	if (paths)
		bpf_probe_read_kernel(event->file, sizeof(event->file), event->exepath);
}

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

SEC("tracepoint/syscalls/sys_enter_execve")
int enter_execve(struct syscall_trace_enter *ctx)
{
	return enter(ctx->args[1]);
}

SEC("tracepoint/syscalls/sys_enter_execveat")
int enter_execveat(struct syscall_trace_enter *ctx)
{
	return enter(ctx->args[2]);
}

/* Arguments: the task, the thread that made the call, and what was loaded. */
SEC("raw_tracepoint/sched_process_exec")
int sched_exec(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 tid = ctx->args[1];
	struct exec_draft *draft;
	struct event *event;
	struct exec_call *call;

	call = bpf_map_lookup_elem(&execs, &tid);
	if (!call)
		return 0;

	draft = new_event(SLOT_EXEC);
	if (draft) {
		event = &draft->event;
		event->timestamp_raw = call->started;
		fill_task(event, task);
		fill_program(event, task);
		fill_file(event, task, (struct linux_binprm *)ctx->args[2]);
		args_from_memory(draft, task);
		send(ctx, event);
	}
	bpf_map_delete_elem(&execs, &tid);
	return 0;
}

static __always_inline __u32 error_of(long ret)
{
	if (ret >= 0)
		return 0;
	if (-ret >= ERESTARTSYS && -ret <= ERESTART_RESTARTBLOCK)
		return EINTR;
	return -ret;
}

/* What is still in the map has not been executed. */
static __always_inline int leave(struct syscall_trace_exit *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct exec_draft *draft;
	struct exec_call *kept, call;

	kept = bpf_map_lookup_elem(&execs, &tid);
	if (!kept)
		return 0;
	call = *kept;
	bpf_map_delete_elem(&execs, &tid);

	if (ignore_failed)
		return 0;

	draft = new_event(SLOT_EXIT);
	if (!draft)
		return 0;

	draft->event.timestamp_raw = call.started;
	draft->event.error_raw = error_of(ctx->ret);
	fill_task(&draft->event, task);
	args_from_array(draft, call.argv);
	send(ctx, &draft->event);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_execve")
int exit_execve(struct syscall_trace_exit *ctx)
{
	return leave(ctx);
}

SEC("tracepoint/syscalls/sys_exit_execveat")
int exit_execveat(struct syscall_trace_exit *ctx)
{
	return leave(ctx);
}

char LICENSE[] SEC("license") = "GPL";
