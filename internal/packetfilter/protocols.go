package packetfilter

import "fmt"

// The sizes and places of headers.
const (
	etherTypeAt  = 12
	etherHeader  = 14
	vlanHeader   = 4
	ip4ProtoAt   = 9
	ip4FragAt    = 6
	ip4SourceAt  = 12
	ip4DestAt    = 16
	ip6NextAt    = 6
	ip6SourceAt  = 8
	ip6DestAt    = 24
	ip6Header    = 40
	arpSourceAt  = 14
	arpDestAt    = 24
	fragmentMask = 0x1fff
	nextFragment = 44
)

// etherTypes are protocols on Ethernet by name.
var etherTypes = map[string]uint32{
	"ip": 0x0800, "arp": 0x0806, "rarp": 0x8035, "ip6": 0x86dd, "aarp": 0x80f3, "atalk": 0x809b, "decnet": 0x6003,
	"lat": 0x6004, "moprc": 0x6002, "mopdl": 0x6001, "sca": 0x6007, "loopback": 0x9000,
}

// protocols are those on IP by name.
var protocols = map[string]uint32{
	"icmp": 1, "igmp": 2, "tcp": 6, "igrp": 9, "udp": 17, "esp": 50, "ah": 51, "icmp6": 58, "pim": 103, "vrrp": 112,
	"carp": 112,
	"sctp": 132,
}

// onlyIn are protocols that only one version of IP has.
var onlyIn = map[string]string{"icmp": "ip", "igmp": "ip", "igrp": "ip", "vrrp": "ip", "carp": "ip", "icmp6": "ip6"}

// ported are the protocols that have ports, in the order in which libpcap tests them.
var ported = []string{"sctp", "tcp", "udp"}

// names are the constants of the language.
var names = map[string]uint32{
	"tcpflags": 13, "tcp-fin": 1, "tcp-syn": 2, "tcp-rst": 4, "tcp-push": 8, "tcp-ack": 16, "tcp-urg": 32, "tcp-ece": 64,
	"tcp-cwr":  128,
	"icmptype": 0, "icmpcode": 1, "icmp-echoreply": 0, "icmp-unreach": 3, "icmp-sourcequench": 4, "icmp-redirect": 5,
	"icmp-echo":         8,
	"icmp-routeradvert": 9, "icmp-routersolicit": 10, "icmp-timxceed": 11, "icmp-paramprob": 12, "icmp-tstamp": 13,
	"icmp-tstampreply": 14, "icmp-ireq": 15, "icmp-ireqreply": 16, "icmp-maskreq": 17, "icmp-maskreply": 18,
	"icmp6type": 0, "icmp6code": 1, "icmp6-destinationrunreach": 1, "icmp6-packettoobig": 2, "icmp6-timeexceeded": 3,
	"icmp6-parameterproblem": 4, "icmp6-echo": 128, "icmp6-echoreply": 129, "icmp6-multicastlistenerquery": 130,
	"icmp6-multicastlistenerreportv1": 131, "icmp6-multicastlistenerdone": 132, "icmp6-routersolicit": 133,
	"icmp6-routeradvert":    134,
	"icmp6-neighborsolicit": 135, "icmp6-neighboradvert": 136, "icmp6-redirect": 137,
}

// frame is where the headers of a packet are: after a VLAN tag, from the word
// "vlan" on.
type frame struct{ tagged bool }

// tagTypes are the types of a VLAN tag.
var tagTypes = []uint32{0x8100, 0x88a8, 0x9100}

// hasTag holds for packets that have a VLAN tag among their bytes.
func hasTag() node {
	var types []node
	for _, t := range tagTypes {
		types = append(types, is(load{number(etherTypeAt), 2}, t))
	}
	return anyOf(types...)
}

// shift is how many bytes of a VLAN tag precede the other headers.
func (f frame) shift() node {
	if !f.tagged {
		return number(0)
	}
	return operation{"*", choice{hasTag()}, number(vlanHeader)}
}

// link is the place of a byte of the header of the link.
func (f frame) link(at uint32) node { return plus(f.shift(), number(at)) }

// network is the place of a byte of the network's header.
func (f frame) network(at uint32) node { return f.link(etherHeader + at) }

// transport is the place of a byte after the header of IPv4, whose length the
// packet has.
func (f frame) transport(at node) node {
	words := operation{"&", load{f.network(0), 1}, number(0xf)}
	return plus(f.network(0), plus(operation{"*", words, number(4)}, at))
}

func (f frame) etherType(name string) node {
	return is(load{f.link(etherTypeAt), 2}, etherTypes[name])
}

// proto holds for packets of a version of IP that carry a protocol.
func (f frame) proto(version string, number uint32) node {
	if version == "ip" {
		return allOf(f.etherType("ip"), is(load{f.network(ip4ProtoAt), 1}, number))
	}
	next := load{f.network(ip6NextAt), 1}
	inFragment := allOf(is(next, nextFragment), is(load{f.network(ip6Header), 1}, number))
	return allOf(f.etherType("ip6"), anyOf(is(next, number), inFragment))
}

// carries holds for packets of a named protocol on any version of IP that has it.
func (f frame) carries(name string) node {
	if v := onlyIn[name]; v != "" {
		return f.proto(v, protocols[name])
	}
	return anyOf(f.proto("ip6", protocols[name]), f.proto("ip", protocols[name]))
}

// unfragmented holds for packets of IPv4 that are not a later fragment, which has no
// header of its protocol.
func (f frame) unfragmented() node {
	return is(operation{"&", load{f.network(ip4FragAt), 2}, number(fragmentMask)}, 0)
}

// access is the number in size bytes of the header of a protocol.
func (f frame) access(name string, offset node, size int) (node, error) {
	switch {
	case name == "ether":
		return load{offset, size}, nil
	case name == "icmp6":
		next := is(load{f.network(ip6NextAt), 1}, protocols[name])
		return guarded{load{plus(f.network(ip6Header), offset), size}, allOf(f.etherType("ip6"), next)}, nil
	case etherTypes[name] != 0:
		return guarded{load{plus(f.network(0), offset), size}, f.etherType(name)}, nil
	case protocols[name] != 0:
		return guarded{load{f.transport(offset), size}, allOf(f.proto("ip", protocols[name]), f.unfragmented())}, nil
	}
	return nil, fmt.Errorf("%q has no bytes that a filter can read", name)
}
