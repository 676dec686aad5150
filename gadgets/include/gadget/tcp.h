/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/* The flags and states of TCP, as types with names for events. */

#ifndef __GADGET_TCP_H
#define __GADGET_TCP_H

#include <gadget/types.h>

/* The flags in a header of TCP: a field of this type has the names of those that are set. */
enum tcpflags_set : __u8 {
	FIN = 0x01,
	SYN = 0x02,
	RST = 0x04,
	PSH = 0x08,
	ACK = 0x10,
	URG = 0x20,
	ECE = 0x40,
	CWR = 0x80,
};

/* States of a connection: the kernel has no type for those of its header tcp_states.h. */
enum tcp_state : __u8 {
	tcp_established = 1,
	tcp_syn_sent,
	tcp_syn_recv,
	tcp_fin_wait1,
	tcp_fin_wait2,
	tcp_time_wait,
	tcp_close,
	tcp_close_wait,
	tcp_last_ack,
	tcp_listen,
	tcp_closing,
	tcp_new_syn_recv,
};

#endif /* __GADGET_TCP_H */
