// Type relocations: local and target ids, existence, size, on structs, unions,
// typedefs, function prototypes, ints, and names that no kernel has.
#include "core.h"

volatile u64 out;

struct task_struct {
	int pid;
} CORE;

struct bpf_iter__task {
	int unused;
} CORE;

union bpf_attr {
	u32 map_type;
} CORE;

struct no_such_struct {
	int member;
} CORE;

struct list_head {
	struct list_head *next, *prev;
};

struct path {
	void *mnt;
};

typedef u32 gfp_t;
typedef struct {
	int counter;
} atomic_t;
typedef int (*filler_t)(struct no_such_struct *, void *);
typedef void (*btf_trace_sched_switch)(void *, _Bool, struct task_struct *, struct task_struct *, u32);
typedef void (*btf_trace_block_rq_issue)(void *, struct no_such_struct *);
enum bpf_map_type { BPF_MAP_TYPE_HASH = 1 };

SEC("kprobe/types")
int types(void *ctx)
{
	put(type_id_local(struct task_struct));
	put(type_id_target(struct path));
	put(type_exists(struct task_struct));
	put(type_exists(struct bpf_iter__task));
	put(type_exists(union bpf_attr));
	put(type_exists(struct no_such_struct));
	put(type_exists(gfp_t));
	put(type_exists(atomic_t));
	put(type_exists(filler_t));
	put(type_exists(btf_trace_sched_switch));
	put(type_exists(btf_trace_block_rq_issue));
	put(type_exists(enum bpf_map_type));
	put(type_size(struct task_struct));
	put(type_size(union bpf_attr));
	put(type_size(atomic_t));
	put(type_size(struct no_such_struct));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
