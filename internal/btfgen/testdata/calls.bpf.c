// Functions that are not programs: relocations in them belong to their callers.
#include "core.h"

volatile u64 out;

struct task_struct {
	int pid;
	int tgid;
} CORE;

static noinline int leaf(struct task_struct *t)
{
	put(byte_offset(t->pid));
	return out;
}

noinline int middle(struct task_struct *t)
{
	return leaf(t) + 1;
}

SEC("kprobe/direct")
int direct(struct task_struct *t)
{
	return leaf(t);
}

SEC("kprobe/indirect")
int indirect(struct task_struct *t)
{
	put(byte_offset(t->tgid));
	return middle(t);
}

SEC("kprobe/alone")
int alone(struct task_struct *t)
{
	put(byte_offset(t->tgid));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
