// SPDX-License-Identifier: GPL-2.0-only
// A program on a static probe that reads an argument with usdt.bpf.h of libbpf.
// usdt.bpf.o is program.amd64.bpf.o of a gadget directory with this program.bpf.c,
// made with "gadget-run image build" and taken out with "gadget-run image unpack".

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>
#include <gadget/buffer.h>
#include <gadget/macros.h>
#include <gadget/types.h>

struct event {
	gadget_pid pid;
	int value;
	int count;
};

GADGET_TRACER_MAP(events, 1024 * 64);
GADGET_TRACER(probes, events, event);

SEC("usdt/prog:prov:name")
int BPF_USDT(on_probe, int value)
{
	struct event e = {};
	e.pid = bpf_get_current_pid_tgid() >> 32;
	e.value = value;
	e.count = bpf_usdt_arg_cnt(ctx);
	gadget_output_buf(ctx, &events, &e, sizeof(e));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
