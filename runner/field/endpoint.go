package field

import (
	"net/netip"
	"strconv"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// endpoint gives an endpoint the texts of its address and protocol, and a column
// of the whole struct "addr" or "addr:port".
func (b *builder) endpoint(f *Field, d *gadgetapi.Field) {
	version := d.Child(func(c *gadgetapi.Field) bool { return c.Name == "version" && c.IsNumber() })
	addr := d.Child(func(c *gadgetapi.Field) bool { return c.Of != nil && c.Of.HasType(gadgetapi.TypeIPAddr) })
	if version == nil || addr == nil {
		return
	}
	at, readVersion := addr.Of.Offset, b.made[version].Number
	text := addressText(at, readVersion)
	b.made[addr].Append, f.columns = text, text
	if proto := d.Child(func(c *gadgetapi.Field) bool { return c.Of != nil && c.Of.Name == "proto_raw" }); proto != nil {
		read := b.made[proto.Of].Number
		b.made[proto].Append = func(dst, s []byte) []byte { return appendProto(dst, read(s)) }
	}
	port := d.Child(func(c *gadgetapi.Field) bool { return c.Name == "port" && c.IsNumber() })
	if port != nil && d.HasType(gadgetapi.TypeL4) {
		f.columns = endpointText(at, readVersion, b.made[port].Number)
	}
}

// ipVersion6 is the version number of an IPv6 address, 4 that of IPv4.
const ipVersion6 = 6

func address(off uint32, version uint64, s []byte) netip.Addr {
	if version == ipVersion6 {
		return netip.AddrFrom16([16]byte(s[off : off+16]))
	}
	return netip.AddrFrom4([4]byte(s[off : off+4]))
}

func addressText(off uint32, version NumberFunc) AppendFunc {
	return func(dst, s []byte) []byte { return address(off, version(s), s).AppendTo(dst) }
}

func endpointText(off uint32, version, port NumberFunc) AppendFunc {
	return func(dst, s []byte) []byte {
		return netip.AddrPortFrom(address(off, version(s), s), uint16(port(s))).AppendTo(dst)
	}
}

// protocols are the names of the IP protocols that Linux knows, as IANA has them.
// A program that sets no protocol leaves 0.
var protocols = map[uint64]string{
	0: "HOPOPT", 1: "ICMP", 2: "IGMP", 4: "IPv4", 6: "TCP", 8: "EGP", 12: "PUP", 17: "UDP", 22: "XNS-IDP", 29: "ISO-TP4",
	33: "DCCP", 41: "IPv6", 43: "IPv6-Route", 44: "IPv6-Frag", 46: "RSVP", 47: "GRE", 50: "ESP", 51: "AH", 58: "IPv6-ICMP",
	59: "IPv6-NoNxt", 60: "IPv6-Opts", 88: "EIGRP", 89: "OSPFIGP", 92: "MTP", 94: "IPIP", 98: "ENCAP", 103: "PIM",
	108: "IPComp", 112: "VRRP", 115: "L2TP", 132: "SCTP", 136: "UDPLite", 137: "MPLS-in-IP", 143: "Ethernet",
	255: "reserved",
}

func appendProto(dst []byte, v uint64) []byte {
	if name, ok := protocols[v]; ok {
		return append(dst, name...)
	}
	return strconv.AppendUint(append(dst, "proto#"...), v, 10)
}
