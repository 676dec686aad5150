/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/*
 * Which processes a gadget reports: params pid, tid, uid, gid and comm, and the
 * containers of mntns_filter.h. Filter before doing any other work. pid and tid
 * are the numbers of the process and the thread in the initial pid namespace.
 *
 * A network program (GADGET_TYPE_NETWORKING) has no current task: it filters with
 * what gadget_socket_lookup found.
 */

#ifndef __GADGET_FILTER_H
#define __GADGET_FILTER_H

#include <bpf/bpf_helpers.h>

#include <gadget/macros.h>
#include <gadget/mntns_filter.h>
#include <gadget/types.h>
#ifndef GADGET_TYPE_NETWORKING
#include <gadget/mntns.h>
#endif

/* The uid and gid that no user has: no filter is set. */
#define GADGET_INVALID_ID ((gadget_uid) - 1)

/* The params: what an event must have; 0, GADGET_INVALID_ID and "" set no filter. */
const volatile gadget_pid targ_pid = 0;
const volatile gadget_tid targ_tid = 0;
const volatile gadget_uid targ_uid = GADGET_INVALID_ID;
const volatile gadget_gid targ_gid = GADGET_INVALID_ID;
const volatile gadget_comm targ_comm[TASK_COMM_LEN] = {};

GADGET_PARAM(targ_pid);
GADGET_PARAM(targ_tid);
GADGET_PARAM(targ_uid);
GADGET_PARAM(targ_gid);
GADGET_PARAM(targ_comm);

/* Whether the param pid selects another one. */
static __always_inline bool gadget_should_discard_pid(gadget_pid pid)
{
	return targ_pid && pid != targ_pid;
}

/* Whether the param tid selects another one. */
static __always_inline bool gadget_should_discard_tid(gadget_tid tid)
{
	return targ_tid && tid != targ_tid;
}

/* Whether the param uid selects another one. */
static __always_inline bool gadget_should_discard_uid(gadget_uid uid)
{
	return targ_uid != GADGET_INVALID_ID && uid != targ_uid;
}

/* Whether the param gid selects another one. */
static __always_inline bool gadget_should_discard_gid(gadget_gid gid)
{
	return targ_gid != GADGET_INVALID_ID && gid != targ_gid;
}

/*
 * Whether the param comm selects another name. Compares up to the end of the name;
 * what follows the end does not count.
 */
static __always_inline bool gadget_should_discard_comm(gadget_comm comm[TASK_COMM_LEN])
{
	if (!targ_comm[0])
		return false;

	for (int i = 0; i < TASK_COMM_LEN; i++) {
		if (comm[i] != targ_comm[i])
			return true;
		if (!comm[i])
			return false;
	}
	return false;
}

/* Whether an event of the process described by the arguments is unwanted. */
static __always_inline bool gadget_should_discard_data(gadget_mntns_id mntns_id, gadget_pid pid,
						       gadget_tid tid,
						       gadget_comm comm[TASK_COMM_LEN],
						       gadget_uid uid, gadget_gid gid)
{
	if (gadget_should_discard_mntns_id(mntns_id))
		return true;
	if (gadget_should_discard_pid(pid) || gadget_should_discard_tid(tid))
		return true;
	if (gadget_should_discard_uid(uid) || gadget_should_discard_gid(gid))
		return true;
	return gadget_should_discard_comm(comm);
}

#ifndef GADGET_TYPE_NETWORKING
/*
 * Whether an event of the current task is unwanted. Every helper call is
 * behind the param that needs it, so the verifier drops it where no filter is set.
 */
static __always_inline bool gadget_should_discard_data_current(void)
{
	if (gadget_filter_by_mntns && gadget_should_discard_mntns_id(gadget_get_current_mntns_id()))
		return true;

	if (targ_pid || targ_tid) {
		__u64 id = bpf_get_current_pid_tgid();

		if (gadget_should_discard_pid(id >> 32) || gadget_should_discard_tid((__u32)id))
			return true;
	}

	if (targ_uid != GADGET_INVALID_ID || targ_gid != GADGET_INVALID_ID) {
		__u64 id = bpf_get_current_uid_gid();

		if (gadget_should_discard_uid((__u32)id) || gadget_should_discard_gid(id >> 32))
			return true;
	}

	if (targ_comm[0]) {
		gadget_comm comm[TASK_COMM_LEN] = {};

		bpf_get_current_comm(comm, sizeof(comm));
		return gadget_should_discard_comm(comm);
	}

	return false;
}
#endif /* !GADGET_TYPE_NETWORKING */

/*
 * Whether an event of the owner of a socket is unwanted. The owner of an unknown
 * socket (NULL) matches no filter that is set.
 */
static __always_inline bool gadget_should_discard_data_by_skb(struct gadget_socket_value *skb_val)
{
	if (!skb_val)
		return gadget_filter_by_mntns || targ_pid || targ_tid ||
		       targ_uid != GADGET_INVALID_ID || targ_gid != GADGET_INVALID_ID ||
		       targ_comm[0];

	return gadget_should_discard_data(skb_val->mntns, skb_val->pid_tgid >> 32,
					  (gadget_tid)skb_val->pid_tgid, skb_val->task,
					  (gadget_uid)skb_val->uid_gid, skb_val->uid_gid >> 32);
}

#endif /* __GADGET_FILTER_H */
