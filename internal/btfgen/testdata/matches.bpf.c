// type_matches: structs whose shape is looked at, through pointers and not.
#include "core.h"

volatile u64 out;

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct task_struct;
struct vfsmount;
struct dentry;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct path___wrong {
	struct vfsmount *mnt;
	int dentry;
};

struct callback_head {
	struct callback_head *next;
	void (*func)(struct callback_head *);
};

typedef struct {
	int counter;
} atomic_t;

typedef void (*btf_trace_sched_process_exit)(void *, struct task_struct *);
enum pid_type { PIDTYPE_PID, PIDTYPE_TGID };
enum pid_type___wrong { PIDTYPE_PID_, PIDTYPE_OF_NO_KERNEL };

SEC("kprobe/matches")
int matches(void *ctx)
{
	put(type_matches(struct list_head));
	put(type_matches(struct hlist_node));
	put(type_matches(struct path));
	put(type_matches(struct path___wrong));
	put(type_matches(struct callback_head));
	put(type_matches(atomic_t));
	put(type_matches(btf_trace_sched_process_exit));
	put(type_matches(enum pid_type));
	put(type_matches(enum pid_type___wrong));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
