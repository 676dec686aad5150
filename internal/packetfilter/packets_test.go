package packetfilter

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// packet is one of the packets that the tests know.
type packet struct {
	name string
	data []byte
}

var (
	macA      = []byte{2, 0, 0, 0, 0, 0xa}
	macB      = []byte{2, 0, 0, 0, 0, 0xb}
	macAll    = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	macGroup  = []byte{1, 0, 0x5e, 0, 0, 1}
	options24 = make([]byte, 4) // of an IPv4 header
)

func ether(dst, src []byte, kind uint16, payload []byte) []byte {
	out := append(slices.Clone(dst), src...)
	return append(binary.BigEndian.AppendUint16(out, kind), payload...)
}

// ip4 returns a packet of IPv4; fragment is the field with the offset.
func ip4(src, dst string, proto byte, fragment uint16, options, payload []byte) []byte {
	head := []byte{0x40 | byte(5+len(options)/4), 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(head[2:], uint16(20+len(options)+len(payload)))
	head = binary.BigEndian.AppendUint16(head, fragment)
	head = append(head, 64, proto, 0, 0)
	head = append(append(head, netip.MustParseAddr(src).AsSlice()...), netip.MustParseAddr(dst).AsSlice()...)
	return slices.Concat(head, options, payload)
}

func ip6(src, dst string, next byte, payload []byte) []byte {
	head := []byte{0x60, 0, 0, 0, 0, 0, next, 64}
	binary.BigEndian.PutUint16(head[4:], uint16(len(payload)))
	head = append(append(head, netip.MustParseAddr(src).AsSlice()...), netip.MustParseAddr(dst).AsSlice()...)
	return append(head, payload...)
}

func ports4(src, dst uint16, rest ...byte) []byte {
	return append(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, src), dst), rest...)
}

// tcp returns a header of TCP.
func tcp(src, dst uint16, flags byte) []byte {
	return append(ports4(src, dst, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags), make([]byte, 6)...)
}

func udp(src, dst uint16, payload string) []byte {
	return append(ports4(src, dst, 0, byte(8+len(payload)), 0, 0), payload...)
}

func arp(src, dst string, op byte) []byte {
	out := append([]byte{0, 1, 8, 0, 6, 4, 0, op}, macA...)
	out = append(append(out, netip.MustParseAddr(src).AsSlice()...), make([]byte, 6)...)
	return append(out, netip.MustParseAddr(dst).AsSlice()...)
}

// packets are what the expressions of the tests are asked about. The kernel takes
// none that is shorter than a header of Ethernet.
func packets() []packet {
	const a, b, group = "10.1.2.3", "192.168.7.9", "224.0.0.251"
	const a6, b6, group6 = "2001:db8::1", "fe80::2", "ff02::1"
	v4 := func(src, dst string, proto byte, payload []byte) []byte {
		return ether(macB, macA, 0x800, ip4(src, dst, proto, 0, nil, payload))
	}
	v6 := func(next byte, payload []byte) []byte { return ether(macB, macA, 0x86dd, ip6(a6, b6, next, payload)) }
	vlan := func(id uint16, kind uint16, payload []byte) []byte {
		return ether(macB, macA, 0x8100, append(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, id), kind),
			payload...))
	}
	return []packet{
		{"tcp syn 80", v4(a, b, 6, tcp(40000, 80, 2))},
		{"tcp syn-ack 80", v4(b, a, 6, tcp(80, 40000, 0x12))},
		{"tcp rst 443", v4(a, b, 6, tcp(40001, 443, 4))},
		{"tcp with options 80", ether(macB, macA, 0x800, ip4(a, b, 6, 0, options24, tcp(40000, 80, 0x18)))},
		{"tcp later fragment", ether(macB, macA, 0x800, ip4(a, b, 6, 100, nil, tcp(40000, 80, 2)))},
		{"tcp first fragment", ether(macB, macA, 0x800, ip4(a, b, 6, 0x2000, nil, tcp(40000, 80, 2)))},
		{"udp dns", v4(a, "8.8.8.8", 17, udp(5353, 53, "question"))},
		{"udp dns answer", v4("8.8.8.8", a, 17, udp(53, 5353, "answer"))},
		{"udp 6005", v4(b, "10.1.2.4", 17, udp(6005, 9, ""))},
		{"sctp 80", v4(a, b, 132, append(ports4(7, 80), make([]byte, 8)...))},
		{"icmp echo", v4(a, b, 1, []byte{8, 0, 0, 0, 0, 1, 0, 1})},
		{"icmp unreachable", v4(b, a, 1, []byte{3, 1, 0, 0, 0, 0, 0, 0})},
		{"igmp", ether(macGroup, macA, 0x800, ip4(a, group, 2, 0, nil, make([]byte, 8)))},
		{"broadcast", ether(macAll, macA, 0x800, ip4(a, "255.255.255.255", 17, 0, nil, udp(68, 67, "")))},
		{"esp", v4(a, b, 50, make([]byte, 16))},
		{"arp request", ether(macAll, macA, 0x806, arp(a, b, 1))},
		{"arp reply", ether(macA, macB, 0x806, arp(b, a, 2))},
		{"rarp", ether(macAll, macA, 0x8035, arp(a, a, 3))},
		{"tcp6 443", v6(6, tcp(40000, 443, 2))},
		{"udp6 53", v6(17, udp(40000, 53, "x"))},
		{"icmp6 echo", v6(58, []byte{128, 0, 0, 0, 0, 0, 0, 0})},
		{"fragment of tcp6", v6(44, append([]byte{6, 0, 0, 1, 0, 0, 0, 1}, tcp(40000, 443, 2)...))},
		{"multicast6", ether([]byte{0x33, 0x33, 0, 0, 0, 1}, macA, 0x86dd,
			ip6(b6, group6, 58, []byte{135, 0, 0, 0, 0, 0, 0, 0}))},
		{"vlan 100 tcp 80", vlan(100, 0x800, ip4(a, b, 6, 0, nil, tcp(40000, 80, 2)))},
		{"vlan 200 arp", vlan(0x2000|200, 0x806, arp(a, b, 1))},
		{"short ip", ether(macB, macA, 0x800, ip4(a, b, 6, 0, nil, ports4(40000, 80)))},
		{"long udp", v4(a, b, 17, udp(1, 2, string(make([]byte, 200))))},
		{"unknown type", ether(macB, macA, 0x88b5, make([]byte, 50))},
	}
}
