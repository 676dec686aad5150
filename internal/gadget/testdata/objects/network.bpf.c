/* The special types that are structs, and parameters of rarer types. */
#include "bpf.h"

typedef unsigned short __u16;
typedef __u32 gadget_netns_id;
typedef __u32 gadget_uid;
typedef __u32 gadget_kernel_stack;
typedef char gadget_comm;

union gadget_ip_addr_t {
	__u8 v6[16];
	__u32 v4;
};

struct gadget_l3endpoint_t {
	union gadget_ip_addr_t addr_raw;
	__u8 version;
};

struct gadget_l4endpoint_t {
	union gadget_ip_addr_t addr_raw;
	__u16 port;
	__u16 proto_raw;
	__u8 version;
};

struct gadget_creds {
	gadget_uid uid;
};

struct gadget_process {
	gadget_comm comm[16];
	struct gadget_creds creds;
};

struct gadget_user_stack {
	__u32 stack_id;
};

enum flag_set { FLAG_A = 1, FLAG_B = 2 };

struct event {
	gadget_netns_id netns_id;
	struct gadget_process proc;
	struct gadget_l3endpoint_t router;
	struct gadget_l4endpoint_t src;
	struct gadget_user_stack ustack;
	struct gadget_user_stack program_raw;
	gadget_kernel_stack kstack_raw;
	enum flag_set flags_raw;
	union {
		__u32 number;
		char text[4];
	} either;
};

enum level { LOW, HIGH = 5 };

const volatile enum level targ_level = HIGH;
const volatile unsigned long long targ_huge = 1;
const volatile char targ_letter = 'x';
const volatile double targ_ratio = 1;
const volatile struct gadget_l3endpoint_t targ_address = {};

NOTE(gadget_param_targ_level)
NOTE(gadget_param_targ_huge)
NOTE(gadget_param_targ_letter)
NOTE(gadget_param_targ_ratio)
NOTE(gadget_param_targ_address)

struct {
	__uint(type, MAP_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

NOTE(gadget_tracer_packets___events___event)
const struct event *event_type __attribute__((unused));

SEC("socket")
int filter(void *ctx)
{
	return targ_level + targ_huge + targ_letter + targ_address.version;
}
