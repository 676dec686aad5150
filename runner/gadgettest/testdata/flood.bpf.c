// SPDX-License-Identifier: Apache-2.0
// As many events as a buffer takes: hundreds for each openat of one process,
// into a buffer too small for a slow reader.
#include "fixture.h"

struct event {
	gadget_timestamp timestamp_raw;
	struct gadget_process proc;
	__u64 number;
	char text[64];
};

const volatile gadget_pid targ_pid = 0;
PARAM(targ_pid);

RING(events, 64 * 1024);
TRACER(flood, events, event);

SEC("tracepoint/syscalls/sys_enter_openat")
int flood(void *ctx)
{
	if (targ_pid && targ_pid != bpf_get_current_pid_tgid() >> 32)
		return 0;
	for (int i = 0; i < 200; i++) {
		struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

		if (!e) {
			LOST(events);
			continue;
		}
		__builtin_memset(e, 0, sizeof(*e));
		e->timestamp_raw = bpf_ktime_get_boot_ns();
		e->proc.pid = bpf_get_current_pid_tgid() >> 32;
		bpf_get_current_comm(e->proc.comm, sizeof(e->proc.comm));
		e->number = i;
		__builtin_memcpy(e->text, "/some/path/that/is/of/usual/length", 35);
		bpf_ringbuf_submit(e, 0);
	}
	return 0;
}
