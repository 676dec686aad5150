/* Every declaration is wrong. */
#include "bpf.h"

typedef __u64 gadget_timestmp;

struct event {
	gadget_timestmp timestamp_raw;
};

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct event);
} events SEC(".maps");

int changeable = 1;
const volatile int listed[2] = {1, 2};

NOTE(gadget_tracer_a___events___event)
NOTE(gadget_tracer_b___evnts___event)
NOTE(gadget_tracer_c___events___evnt)
NOTE(gadget_tracer_d___events)
NOTE(gadget_mapiter_e___events)
NOTE(gadget_mapiter_f___nothing)
NOTE(gadget_iter_g___event___enter)
NOTE(gadget_iter_h___event___nobody)
NOTE(gadget_mapelem_iter_target_nobody___nothing)
NOTE(gadget_param_changeable)
NOTE(gadget_param_absent)
NOTE(gadget_param_listed)

SEC("tracepoint/syscalls/sys_enter_openat")
int enter(void *ctx)
{
	return changeable + listed[0];
}
