// SPDX-License-Identifier: Apache-2.0
// An event with a field of every type that the runner formats. The program is
// never attached; tests decode samples of their own.
#include "fixture.h"

enum color { RED = 1, GREEN = 2, BLUE = 7 };
enum caps_set { CAP_A = 1, CAP_B = 2, CAP_C = 4 };
enum temperature { FREEZING = -5, WARM = 20 };

struct inner {
	__s16 small;
	__u8 bytes[4];
};

struct event {
	gadget_timestamp time_raw;
	struct gadget_process proc;
	struct gadget_l4endpoint_t src;
	struct gadget_l3endpoint_t gateway;
	gadget_signal sig_raw;
	gadget_errno error_raw;
	gadget_syscall call_raw;
	gadget_file_mode mode_raw;
	gadget_file_flags flags_raw;
	gadget_bytes size_raw;
	gadget_duration took_raw;
	enum color color_raw;
	enum caps_set caps_raw;
	enum temperature temp_raw;
	struct inner inner;
	_Bool ok;
	__s8 tiny;
	__s64 wide;
	double ratio;
	float half;
	__u32 low : 3;
	__u32 mid : 13;
	__s32 neg : 5;
	void *pointer;
	__u64 __private;
	char text[16];
};

const volatile _Bool flag = 0;
PARAM(flag);
const volatile __s16 number = -3;
PARAM(number);
const volatile __u64 big = 0;
PARAM(big);
const volatile double factor = 1.5;
PARAM(factor);
const volatile char word[8] = "abc";
PARAM(word);
const volatile struct gadget_l3endpoint_t host = {};
PARAM(host);
const volatile __u32 table_max_entries = 16;
PARAM(table_max_entries);

struct table_key {
	__u32 id;
};

struct table_value {
	__u64 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, struct table_key);
	__type(value, struct table_value);
} table SEC(".maps");
MARK(gadget_mapiter_counts___table);

RING(events, 4096);
TRACER(types, events, event);

SEC("raw_tp/sys_enter")
int types(void *ctx)
{
	struct table_key k = { .id = number };
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		LOST(events);
		return 0;
	}
	e->ok = flag;
	e->wide = big + *(const volatile __u64 *)&factor;
	e->text[0] = word[0] + host.version + table_max_entries;
	bpf_ringbuf_submit(e, 0);
	bpf_map_delete_elem(&table, &k);
	return 0;
}
