/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/* Results of system calls as a process sees them. */

#ifndef __GADGET_ERRNO_H
#define __GADGET_ERRNO_H

#include <bpf/bpf_helpers.h>
#include <gadget/types.h>

#define __GADGET_EINTR 4

/* Inside the kernel only: the call starts again, or the process sees EINTR. */
#define __GADGET_ERESTARTSYS           512
#define __GADGET_ERESTART_RESTARTBLOCK 516

/* The errno of what a system call returned, 0 where it succeeded. */
static __always_inline gadget_errno gadget_errno_of(long ret)
{
	if (ret >= 0)
		return 0;
	if (-ret >= __GADGET_ERESTARTSYS && -ret <= __GADGET_ERESTART_RESTARTBLOCK)
		return __GADGET_EINTR;
	return -ret;
}

#endif /* __GADGET_ERRNO_H */
