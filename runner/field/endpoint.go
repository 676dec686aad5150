package field

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// endpoint replaces the address union of an l3 or l4 endpoint by its text and
// lets a column of the whole struct show "addr" or "addr:port".
func (b *builder) endpoint(f *Field) {
	raw := child(f, func(c *Field) bool { return c.hasType(typeIPAddr) })
	version := child(f, func(c *Field) bool { return c.Name == "version" && c.Number != nil })
	if raw == nil || version == nil || raw.Size < 16 {
		return
	}
	hideAll(f)
	addr := addressText(raw.Offset, version.Number)
	f.Children = slices.DeleteFunc(f.Children, func(c *Field) bool { return c == raw })
	b.addText(f, strings.TrimSuffix(raw.Name, "_raw"), addr)
	f.columns = addr
	if _, said := b.opts.Fields[f.FullName][AnnotationHidden]; !said {
		delete(f.Annotations, AnnotationHidden)
	}
	if !f.hasType(typeL4) {
		return
	}
	for k, v := range templates["l4endpoint"] {
		if _, said := f.Annotations[k]; !said {
			f.Annotations[k] = v
		}
	}
	if proto := child(f, func(c *Field) bool { return c.Name == "proto_raw" && c.Number != nil }); proto != nil {
		read := proto.Number
		b.addText(f, "proto", func(dst, s []byte) []byte { return appendProto(dst, read(s)) })
	}
	if port := child(f, func(c *Field) bool { return c.Name == "port" && c.Number != nil }); port != nil {
		f.columns = endpointText(raw.Offset, version.Number, port.Number)
	}
}

// addText adds a hidden text field below f.
func (b *builder) addText(f *Field, name string, text AppendFunc) {
	c := &Field{
		Name: name, FullName: f.FullName + "." + name, Kind: String, Parent: f,
		Annotations: map[string]string{AnnotationHidden: "true"}, Append: text,
	}
	b.annotateByName(c)
	f.Children = append(f.Children, c)
}

func child(f *Field, match func(*Field) bool) *Field {
	if i := slices.IndexFunc(f.Children, match); i >= 0 {
		return f.Children[i]
	}
	return nil
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

// protocols are the names of the IP protocols that gadgets report.
var protocols = map[uint64]string{
	0: "IP", 1: "ICMP", 2: "IGMP", 4: "IPIP", 6: "TCP", 17: "UDP", 33: "DCCP", 41: "IPV6", 46: "RSVP",
	47: "GRE", 50: "ESP", 51: "AH", 58: "ICMPV6", 103: "PIM", 132: "SCTP", 136: "UDPLITE", 255: "RAW",
}

func appendProto(dst []byte, v uint64) []byte {
	if name, ok := protocols[v]; ok {
		return append(dst, name...)
	}
	return strconv.AppendUint(append(dst, "proto#"...), v, 10)
}
