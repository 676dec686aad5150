/* One data source of each kind, parameters of each type. */
#include "bpf.h"

typedef __u64 gadget_timestamp;
typedef __u64 gadget_mntns_id;
typedef __u32 gadget_errno;
typedef __u32 gadget_uid;

enum kind { KIND_A, KIND_B };

struct inner {
	__u32 a;
	__u32 __pad;
	struct {
		__u8 deep;
	};
};

struct event {
	gadget_timestamp timestamp_raw;
	gadget_mntns_id mntns_id;
	gadget_errno error_raw;
	gadget_uid uid;
	enum kind kind_raw;
	struct inner in;
	char path[32];
	__u32 __private;
};

struct key {
	__u32 id;
};

struct value {
	__u64 count;
};

const volatile int targ_number = -3;
const volatile __u8 targ_byte = 7;
const volatile bool targ_flag = 1;
const volatile char targ_name[8] = "abc";
const volatile __u32 unmarked = 0;

NOTE(gadget_param_targ_number)
NOTE(gadget_param_targ_byte)
NOTE(gadget_param_targ_flag)
NOTE(gadget_param_targ_name)

struct {
	__uint(type, MAP_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");
NOTE(gadget_map_tracer_events)

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 16);
	__type(key, struct key);
	__type(value, struct value);
} counts SEC(".maps");

NOTE(gadget_tracer_open___events___event)
const struct event *event_type __attribute__((unused));
NOTE(gadget_mapiter_counters___counts)
NOTE(gadget_iter_tasks___event___list)

SEC("tracepoint/syscalls/sys_enter_openat")
int enter(void *ctx)
{
	return targ_number + targ_byte + targ_flag + targ_name[0] + unmarked;
}

SEC("perf_event/profiler")
int sample(void *ctx)
{
	return 0;
}

SEC("iter/task")
int list(void *ctx)
{
	return 0;
}
