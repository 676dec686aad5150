/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/*
 * The hash FNV-1a in 32 and 64 bits, taking integers byte by byte, the lowest
 * first: fnv_32a_init() begins, fnv_32a_update_u64(&hash, value) continues.
 */

#ifndef __GADGET_FNV1A_H
#define __GADGET_FNV1A_H

#include <bpf/bpf_helpers.h>

#define FNV1_32_INIT  ((u32)2166136261U)
#define FNV1_32_PRIME ((u32)16777619U)
#define FNV1_64_INIT  ((u64)14695981039346656037ULL)
#define FNV1_64_PRIME ((u64)1099511628211ULL)

/* The hash of nothing, in 32 bits. */
static __always_inline u32 fnv_32a_init(void)
{
	return FNV1_32_INIT;
}

/* The hash of nothing, in 64 bits. */
static __always_inline u64 fnv_64a_init(void)
{
	return FNV1_64_INIT;
}

#define __gadget_fnv(bits, type)                                                           \
	static __always_inline void fnv_##bits##a_update_##type(u##bits *hash, type value) \
	{                                                                                  \
		for (u32 shift = 0; shift < 8 * sizeof(value); shift += 8)                 \
			*hash = (*hash ^ ((value >> shift) & 0xff)) * FNV1_##bits##_PRIME; \
	}

__gadget_fnv(32, u8) __gadget_fnv(32, u16) __gadget_fnv(32, u32) __gadget_fnv(32, u64)
	__gadget_fnv(64, u8) __gadget_fnv(64, u16) __gadget_fnv(64, u32) __gadget_fnv(64, u64)

#undef __gadget_fnv

#endif /* __GADGET_FNV1A_H */
