/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/* Logarithms for histograms whose slots double. */

#ifndef __GADGET_BITS_BPF_H
#define __GADGET_BITS_BPF_H

#include <bpf/bpf_helpers.h>

/* The position of the highest bit of v; 0 for 0 and 1. */
static __always_inline u64 log2(u32 v)
{
	u64 bit = 0;

	for (u32 half = 16; half; half >>= 1) {
		if (v >> half) {
			v >>= half;
			bit += half;
		}
	}
	return bit;
}

/* The slot of v: 0 for 0, otherwise the number of bits that v takes. */
static __always_inline u64 get_slot_idx(u64 v)
{
	u32 high = v >> 32;

	if (high)
		return log2(high) + 33;
	return v ? log2((u32)v) + 1 : 0;
}

/* The slot of v in a histogram of so many slots: that of its highest bit, or the last one. */
static __always_inline u64 gadget_histogram_slot(u64 v, u64 slots)
{
	u64 slot = v >> 32 ? slots - 1 : log2(v);

	return slot < slots ? slot : slots - 1;
}

#endif /* __GADGET_BITS_BPF_H */
