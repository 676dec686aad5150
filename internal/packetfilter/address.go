package packetfilter

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

func (p *parser) host(q qualifiers, id string) (node, error) {
	if q.proto == "ether" {
		mac, err := net.ParseMAC(id)
		if err != nil || len(mac) != 6 {
			return nil, fmt.Errorf("%q is not an address of Ethernet, use one like 02:00:5e:10:00:01", id)
		}
		at := func(offset uint32) node {
			return allOf(is(load{number(offset + 2), 4}, binary.BigEndian.Uint32(mac[2:])),
				is(load{number(offset), 2}, uint32(binary.BigEndian.Uint16(mac))))
		}
		return q.either(at(6), at(0)), nil
	}
	addr, err := netip.ParseAddr(id)
	if err != nil || addr.Zone() != "" {
		return nil, fmt.Errorf("%q is not an address, which a filter needs: names are not resolved", id)
	}
	return p.addresses(q, netip.PrefixFrom(addr, addr.BitLen()))
}

func (p *parser) net(q qualifiers, id string) (node, error) {
	prefix, err := parseNet(id)
	if err == nil {
		if _, ok := p.accept("mask"); ok {
			prefix, err = p.mask(prefix, id)
		}
	}
	if err != nil {
		return nil, err
	}
	if prefix != prefix.Masked() {
		return nil, fmt.Errorf("network %q has bits set after its length, use %s", id, prefix.Masked())
	}
	return p.addresses(q, prefix)
}

// mask applies "mask M" to a network without a length.
func (p *parser) mask(prefix netip.Prefix, id string) (netip.Prefix, error) {
	text := p.peek().text
	mask, err := netip.ParseAddr(text)
	if err != nil || !mask.Is4() || !prefix.Addr().Is4() || strings.Contains(id, "/") {
		return prefix, fmt.Errorf("%q is not a mask of %q, use one like 255.255.255.0", text, id)
	}
	p.at++
	m := mask.As4()
	ones, bits := net.IPMask(m[:]).Size()
	if bits == 0 {
		return prefix, fmt.Errorf("mask %q has a hole, give the length of the network instead", text)
	}
	return netip.PrefixFrom(prefix.Addr(), ones), nil
}

// parseNet reads "10.0.0.0/8", and "192.168" for 192.168.0.0/16.
func parseNet(id string) (netip.Prefix, error) {
	addr, length, sized := strings.Cut(id, "/")
	bits := 128
	if !strings.Contains(addr, ":") {
		parts := strings.Count(addr, ".") + 1
		bits = 8 * min(parts, 4)
		addr += strings.Repeat(".0", max(4-parts, 0))
	}
	wrong := fmt.Errorf("%q is not a network, use one like 10.0.0.0/8", id)
	if sized {
		n, err := strconv.ParseUint(length, 10, 8)
		if err != nil {
			return netip.Prefix{}, wrong
		}
		bits = int(n)
	}
	ip, err := netip.ParseAddr(addr)
	prefix := netip.PrefixFrom(ip, bits)
	if err != nil || ip.Zone() != "" || !prefix.IsValid() {
		return netip.Prefix{}, wrong
	}
	return prefix, nil
}

// addresses is the condition that addresses of a packet are in a network.
func (p *parser) addresses(q qualifiers, prefix netip.Prefix) (node, error) {
	f := p.frame
	if prefix.Addr().Is6() {
		if q.proto != "" && q.proto != "ip6" {
			return nil, fmt.Errorf("%q has no address like %s", q.proto, prefix.Addr())
		}
		return allOf(f.etherType("ip6"), q.either(f.within(ip6SourceAt, prefix), f.within(ip6DestAt, prefix))), nil
	}
	ip := allOf(f.etherType("ip"), q.either(f.within(ip4SourceAt, prefix), f.within(ip4DestAt, prefix)))
	inARP := q.either(f.within(arpSourceAt, prefix), f.within(arpDestAt, prefix))
	switch {
	case q.proto == "":
		return anyOf(ip, allOf(anyOf(f.etherType("arp"), f.etherType("rarp")), inARP)), nil
	case q.proto == "ip":
		return ip, nil
	case q.proto == "arp" || q.proto == "rarp":
		return allOf(f.etherType(q.proto), inARP), nil
	}
	return nil, fmt.Errorf("%q has no address like %s", q.proto, prefix.Addr())
}

// within is the condition that the address at a place is in a network.
func (f frame) within(at uint32, prefix netip.Prefix) node {
	var conditions []node
	raw := prefix.Addr().AsSlice()
	for bits, i := prefix.Bits(), 0; bits > 0; bits, i = bits-32, i+4 {
		mask := uint32(1<<32 - 1)
		if bits < 32 {
			mask <<= 32 - bits
		}
		conditions = append(conditions, masked(load{f.network(at + uint32(i)), 4}, mask, binary.BigEndian.Uint32(raw[i:])))
	}
	if len(conditions) == 0 {
		return always{}
	}
	return allOf(conditions...)
}
