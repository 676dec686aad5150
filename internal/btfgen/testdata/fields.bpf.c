// Every field relocation: plain, nested, through anonymous unions and arrays,
// bitfields, flexible arrays, flavours, and weak ones that no kernel has.
#include "core.h"

volatile u64 out;

struct list_head {
	struct list_head *next, *prev;
} CORE;

struct qstr {
	union {
		struct {
			u32 hash;
			u32 len;
		};
		u64 hash_len;
	};
	const u8 *name;
} CORE;

struct dentry {
	struct qstr d_name;
	struct dentry *d_parent;
} CORE;

struct vfsmount {
	struct dentry *mnt_root;
} CORE;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} CORE;

struct file {
	struct path f_path;
	u32 f_mode;
} CORE;

typedef struct {
	u32 val;
} kuid_t;

struct cred {
	kuid_t uid;
} CORE;

struct upid {
	int nr;
} CORE;

struct pid {
	u32 level;
	struct upid numbers[1];
} CORE;

struct task_struct___weak {
	u64 field_of_no_kernel;
} CORE;

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	unsigned sched_reset_on_fork : 1;
	unsigned in_execve : 1;
	u64 start_time;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	const struct cred *cred;
	struct list_head tasks;
	struct pid *thread_pid;
} CORE;

struct no_such_struct {
	int member;
} CORE;

struct sk_buff {
	u8 pkt_type : 3;
	u16 protocol;
	unsigned len;
} CORE;

struct kernfs_node {
	const char *name;
	u64 id;
} CORE;

struct file_handle {
	u32 handle_bytes;
	u8 f_handle[];
} CORE;

SEC("kprobe/offsets")
int offsets(struct task_struct *t)
{
	struct task_struct___weak *w = (void *)t;
	struct no_such_struct *n = (void *)t;
	struct pid *p = (void *)t;
	struct file *f = (void *)t;
	struct dentry *d = (void *)t;
	struct file_handle *h = (void *)t;
	struct kernfs_node *k = (void *)t;
	struct cred *c = (void *)t;

	put(byte_offset(t->pid));
	put(byte_offset(t->comm[3]));
	put(byte_offset(t->tasks.prev));
	put(byte_offset(t->start_time));
	put(byte_offset(t[2].tgid));
	put(byte_offset(p->numbers[0].nr));
	put(byte_offset(f->f_path.dentry));
	put(byte_offset(d->d_name.len));
	put(byte_offset(d->d_name.hash_len));
	put(byte_offset(h->f_handle[3]));
	put(byte_offset(k->id));
	put(byte_offset(c->uid.val));
	if (field_exists(w->field_of_no_kernel))
		put(byte_offset(w->field_of_no_kernel));
	if (field_exists(n->member))
		put(byte_offset(n->member));
	return 0;
}

SEC("kprobe/sizes")
int sizes(struct task_struct *t)
{
	struct sk_buff *s = (void *)t;
	struct file *f = (void *)t;

	put(byte_size(t->comm));
	put(byte_size(t->tasks));
	put(byte_size(t->cred));
	put(byte_size(f->f_mode));
	put(byte_size(f->f_path));
	put(field_signed(t->pid));
	put(field_signed(f->f_mode));
	put(byte_offset(s->pkt_type));
	put(byte_size(s->pkt_type));
	put(field_lshift(s->pkt_type));
	put(field_rshift(s->pkt_type));
	put(field_signed(s->pkt_type));
	put(byte_offset(s->protocol));
	put(byte_offset(t->in_execve));
	put(byte_size(t->in_execve));
	put(field_lshift(t->in_execve));
	put(field_rshift(t->in_execve));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
