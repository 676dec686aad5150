/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/*
 * Types that a runner recognizes by name. A field of such a type, named `x_raw`, gets
 * a sibling `x` that people can read; an id of a namespace gets the container.
 * All values are in host byte order unless noted otherwise.
 */

#ifndef __GADGET_TYPES_H
#define __GADGET_TYPES_H

/* Kernel types come from vmlinux.h, or from the uapi headers in network gadgets. */
#ifndef __VMLINUX_H__
#include <stdbool.h>
#include <linux/types.h>
#endif

#ifndef TASK_COMM_LEN
#define TASK_COMM_LEN 16
#endif

/* Moments and spans: nanoseconds of bpf_ktime_get_boot_ns(). */
typedef __u64 gadget_timestamp;
typedef __u64 gadget_duration;

/* Inode numbers of the namespaces of a task. */
typedef __u64 gadget_mntns_id;
typedef __u32 gadget_netns_id;

/* Numbers with a name: EPERM, SIGKILL, SYS_OPENAT. The errno is positive. */
typedef __u32 gadget_errno;
typedef __u32 gadget_signal;
typedef __u64 gadget_syscall;

/* Arguments of open(2), and the st_mode of stat(2). */
typedef __u32 gadget_file_flags;
typedef __u32 gadget_file_mode;

/* Who: pid is the process (the kernel's tgid), tid the thread (its pid). */
typedef __u32 gadget_pid;
typedef __u32 gadget_tid;
typedef __u32 gadget_ppid;
typedef __u32 gadget_ptid;
typedef __u32 gadget_uid;
typedef __u32 gadget_gid;

/* Used as arrays of TASK_COMM_LEN. */
typedef char gadget_comm;
typedef char gadget_pcomm;

/* An amount of data. */
typedef __u64 gadget_bytes;

/* Metrics: the part after the two underscores is the C type of the value. */
typedef __u32 gadget_counter__u32;
typedef __u64 gadget_counter__u64;
typedef __u32 gadget_gauge__u32;
typedef __u64 gadget_gauge__u64;
typedef __u32 gadget_histogram_slot__u32;
typedef __u64 gadget_histogram_slot__u64;

/* Id of a stack in the map of kernel_stack_map.h. */
typedef __u32 gadget_kernel_stack;

/*
 * A user stack: its id in the map of user_stack_map.h, and what distinguishes the
 * executable and the process when the addresses are resolved, perhaps
 * after the process has ended. All zero: no stack was requested.
 */
struct gadget_user_stack {
	/* The executable: its device, inode and modification time. */
	__u32 major;
	__u32 minor;
	__u64 inode;
	__u64 mtime_sec;
	__u32 mtime_nsec;

	/* FNV-1a of the address space; another one after every exec. */
	__u32 base_addr_hash;

	__u32 stack_id;

	/* The process, seen from the first and the second pid namespace. */
	__u32 tgid_level0;
	__u32 pid_level0;
	__u32 pidns_level0;
	__u32 pid_level1;
	__u32 pidns_level1;

	/* The id under which an OpenTelemetry profiler reported the same stack. */
	__u64 otel_correlation_id;

	/* When the stack was taken. */
	__u64 boot_timestamp;
};

/* An address of either family; v4 is in network byte order, as in a packet. */
union gadget_ip_addr_t {
	__u8 v6[16];
	unsigned __int128 v6_raw;
	__u32 v4;
};

/* An address that a runner prints: version is 4 or 6. */
struct gadget_l3endpoint_t {
	union gadget_ip_addr_t addr_raw;
	__u8 version;
};

/* An address with its port, and IPPROTO_TCP or IPPROTO_UDP. */
struct gadget_l4endpoint_t {
	union gadget_ip_addr_t addr_raw;
	__u16 port;
	__u16 proto_raw;
	__u8 version;
};

/* User and group of a process. */
struct gadget_creds {
	gadget_uid uid;
	gadget_gid gid;
};

/* The parent of a process. */
struct gadget_parent {
	gadget_pcomm comm[TASK_COMM_LEN];
	gadget_ppid pid;
	gadget_ptid tid;
};

/* What every event about a process has; gadget_process_populate fills it. */
struct gadget_process {
	gadget_comm comm[TASK_COMM_LEN];
	gadget_pid pid;
	gadget_tid tid;
	gadget_mntns_id mntns_id;

	struct gadget_creds creds;
	struct gadget_parent parent;
};

#define GADGET_SE_PATH_MAX 4096

/*
 * What the runner's socket enricher records about the owner of a socket (the value of
 * gadget_sockets). Relocated against the enricher's own BTF: what follows
 * optional_fields_start may be absent or shorter there, so a gadget asks
 * bpf_core_field_exists and bpf_core_field_size first.
 */
struct gadget_socket_value {
	__u64 mntns;
	__u64 pid_tgid;
	__u64 uid_gid;
	char task[TASK_COMM_LEN];
	char ptask[TASK_COMM_LEN];
	__u64 sock;
	__u64 deletion_timestamp;
	__u32 ppid;
	__u32 ptid;
	char ipv6only;

	char optional_fields_start[0] __attribute__((aligned(8)));

	char cwd[GADGET_SE_PATH_MAX];
	char exepath[GADGET_SE_PATH_MAX];
} __attribute__((preserve_access_index));

#endif /* __GADGET_TYPES_H */
