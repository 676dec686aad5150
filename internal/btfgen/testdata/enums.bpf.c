// Enumerators: present, absent, of 32 and of 64 bits, of a typedef.
#include "core.h"

volatile u64 out;

enum bpf_func_id { BPF_FUNC_get_func_ip = 1, BPF_FUNC_loop = 2, BPF_FUNC_of_no_kernel = 3 };
enum bpf_func_id___flavour { BPF_FUNC_get_func_ip___flavour = 7 };
enum bpf_cgroup_iter_order { BPF_CGROUP_ITER_SELF_ONLY = 1 };
enum no_such_enum { NO_SUCH_VALUE = 1 };
enum cpu_idle_type { CPU_IDLE };
enum scx_public_consts { SCX_SLICE_INF = 0xffffffffffffffffULL };
enum kfunc_ptr_arg_type___none { KF_NONE };
typedef enum { PHY_INTERFACE_MODE_NA } phy_interface_t;

SEC("kprobe/enums")
int enums(void *ctx)
{
	put(enumval_exists(enum bpf_func_id, BPF_FUNC_get_func_ip));
	put(enumval_value(enum bpf_func_id, BPF_FUNC_loop));
	put(enumval_exists(enum bpf_func_id, BPF_FUNC_of_no_kernel));
	put(enumval_exists(enum bpf_func_id___flavour, BPF_FUNC_get_func_ip___flavour));
	put(enumval_value(enum bpf_cgroup_iter_order, BPF_CGROUP_ITER_SELF_ONLY));
	put(enumval_value(enum no_such_enum, NO_SUCH_VALUE));
	put(enumval_exists(enum scx_public_consts, SCX_SLICE_INF));
	put(enumval_value(enum scx_public_consts, SCX_SLICE_INF));
	put(enumval_exists(phy_interface_t, PHY_INTERFACE_MODE_NA));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
