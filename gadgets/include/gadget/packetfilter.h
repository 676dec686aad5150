/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/*
 * Packet filters in the language of pcap-filter(7). The gadget declares a filter
 * and calls it; the runner compiles the user's expression and puts it in place of
 * the function's body before it loads the programs.
 */

#ifndef __GADGET_PACKETFILTER_H
#define __GADGET_PACKETFILTER_H

#include <bpf/bpf_helpers.h>

/*
 * GADGET_PF(name): a filter; the name may be empty. What the runner puts in
 * needs the first three registers for itself and the packet in the two after
 * them, hence three times the same argument. The body lets every packet pass that
 * is not empty, and uses all arguments so that none is optimized away.
 */
#define GADGET_PF(name)                                                                            \
	static __noinline bool gadget_pf_##name(void *_skb, void *__skb, void *___skb, void *data, \
						void *data_end)                                    \
	{                                                                                          \
		return _skb == __skb && _skb == ___skb && data != data_end;                        \
	}

/*
 * gadget_pf_matches([name, ]skb, data, data_end): whether the packet passes. The
 * name is left out for the filter whose name is empty.
 */
#define gadget_pf_matches(...) \
	__gadget_pf_choose(__VA_ARGS__, __gadget_pf_named, __gadget_pf_unnamed, ~)(__VA_ARGS__)

#define __gadget_pf_choose(a, b, c, d, chosen, ...) chosen

#define __gadget_pf_named(name, skb, data, data_end) gadget_pf_##name(skb, skb, skb, data, data_end)
#define __gadget_pf_unnamed(skb, data, data_end)     gadget_pf_(skb, skb, skb, data, data_end)

#endif /* __GADGET_PACKETFILTER_H */
