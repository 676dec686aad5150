// Package hooks knows the hooks of security modules, and which functions of the
// kernel ask them.
package hooks

import "strings"

// all are those that the eBPF programs know, in the order of hooks.h.
const all = `
binder_set_context_mgr binder_transaction binder_transfer_binder binder_transfer_file ptrace_access_check
ptrace_traceme capget capset capable quotactl quota_on syslog settime vm_enough_memory bprm_creds_for_exec
bprm_creds_from_file bprm_check_security bprm_committing_creds bprm_committed_creds fs_context_dup
fs_context_parse_param sb_alloc_security sb_delete sb_free_security sb_free_mnt_opts sb_eat_lsm_opts
sb_mnt_opts_compat sb_remount sb_kern_mount sb_show_options sb_statfs sb_mount sb_umount sb_pivotroot
sb_set_mnt_opts sb_clone_mnt_opts move_mount dentry_init_security dentry_create_files_as path_notify
inode_alloc_security inode_free_security inode_init_security inode_init_security_anon inode_create inode_link
inode_unlink inode_symlink inode_mkdir inode_rmdir inode_mknod inode_rename inode_readlink inode_follow_link
inode_permission inode_setattr inode_getattr inode_setxattr inode_post_setxattr inode_getxattr inode_listxattr
inode_removexattr inode_need_killpriv inode_killpriv inode_getsecurity inode_setsecurity inode_listsecurity
inode_getsecid inode_copy_up inode_copy_up_xattr kernfs_init_security file_permission file_alloc_security
file_free_security file_ioctl mmap_addr mmap_file file_mprotect file_lock file_fcntl file_set_fowner
file_send_sigiotask file_receive file_open task_alloc task_free cred_alloc_blank cred_free cred_prepare
cred_transfer cred_getsecid kernel_act_as kernel_create_files_as kernel_module_request kernel_load_data
kernel_post_load_data kernel_read_file kernel_post_read_file task_fix_setuid task_fix_setgid task_setpgid
task_getpgid task_getsid task_getsecid_obj task_setnice task_setioprio task_getioprio task_prlimit
task_setrlimit task_setscheduler task_getscheduler task_movememory task_kill task_prctl task_to_inode
ipc_permission ipc_getsecid msg_msg_alloc_security msg_msg_free_security msg_queue_alloc_security
msg_queue_free_security msg_queue_associate msg_queue_msgctl msg_queue_msgsnd msg_queue_msgrcv
shm_alloc_security shm_free_security shm_associate shm_shmctl shm_shmat sem_alloc_security sem_free_security
sem_associate sem_semctl sem_semop netlink_send d_instantiate getprocattr setprocattr ismaclabel
secid_to_secctx secctx_to_secid release_secctx inode_invalidate_secctx inode_notifysecctx inode_setsecctx
inode_getsecctx
`

// names are those of functions, behind security_, that ask a hook of another
// name: of those that several versions of the kernel have the first is there.
var names = map[string][]string{
	"bprm_check_security": {"bprm_check"},
	"cred_prepare":        {"prepare_creds"},
	"cred_transfer":       {"transfer_creds"},
	"inode_getsecid":      {"inode_getlsmprop"},
	"ipc_getsecid":        {"ipc_getlsmprop"},
	"sb_free_mnt_opts":    {"free_mnt_opts"},
	"settime":             {"settime64"},
	"task_getsecid_obj":   {"task_getlsmprop_obj", "task_getsecid"},
	"vm_enough_memory":    {"vm_enough_memory_mm"},
}

// All returns the hooks.
func All() []string { return strings.Fields(all) }

// Function returns the function of the kernel that asks a hook, "" where a kernel has
// none.
func Function(hook string, kernelHas func(symbol string) bool) string {
	for _, name := range append(names[hook], hook, strings.TrimSuffix(hook, "_security")) {
		if kernelHas("security_" + name) {
			return "security_" + name
		}
	}
	return ""
}

// Cookies reports whether a kernel attaches one program to many functions and says in
// which it runs: at once (since Linux 5.18, with CONFIG_FPROBE), or by a kprobe for each (since 5.15).
func Cookies(kernelHas func(symbol string) bool) bool {
	return kernelHas("register_fprobe_ips") ||
		kernelHas("bpf_get_attach_cookie_trace") && kernelHas("perf_kprobe_init")
}
