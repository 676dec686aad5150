package output

import (
	"encoding/binary"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/field"
)

// The annotations that specify where in an event the packet is.
const (
	annotationPayload      = "pcap.payload"
	annotationTimestamp    = "pcap.timestamp"
	annotationPacketLength = "pcap.packet-length"
	annotationInterfaceKey = "pcap.interface-key"
	annotationInterfaceVar = "pcap.interface-var"
)

// What a capture file in the pcap-ng format is made of.
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 6

	byteOrderMagic = 0x1a2b3c4d
	linkEthernet   = 1

	optionName        = 2 // of an interface
	optionDescription = 3
	optionResolution  = 9
	nanoseconds       = 9 // 10 to the power of -9 seconds
)

// The limits of a capture.
const (
	maxPacket     = 256 << 10
	maxInterfaces = 1 << 12 // events of later ones belong to the first
)

// pcapNG is the Encoder of packets as a capture file: a section, an interface for
// each value of the fields that distinguish interfaces, and the packets.
type pcapNG struct {
	payload    func(sample []byte) []byte
	timestamp  field.NumberFunc // nanoseconds since 1970, nil for none
	length     field.NumberFunc // of the packet before it was cut, nil for none
	keys       []field.AppendFunc
	variables  []variable
	interfaces map[string]uint32
	key        []byte // reused
}

// variable is a part of the description of an interface: "name=value".
type variable struct {
	name  string
	value field.AppendFunc
}

func newPcapNG(src *field.Source) (*pcapNG, error) {
	p := &pcapNG{interfaces: map[string]uint32{}}
	var err error
	if p.payload, err = payloadOf(src); err != nil {
		return nil, err
	}
	for _, n := range []struct {
		annotation string
		dst        *field.NumberFunc
	}{{annotationTimestamp, &p.timestamp}, {annotationPacketLength, &p.length}} {
		if *n.dst, err = annotatedNumber(src, n.annotation); err != nil {
			return nil, err
		}
	}
	for _, f := range src.All() {
		if f.Annotations[annotationInterfaceKey] == "true" && f.Column() != nil {
			p.keys = append(p.keys, f.Column())
		}
		if name := f.Annotations[annotationInterfaceVar]; name != "" && f.Column() != nil {
			p.variables = append(p.variables, variable{name, f.Column()})
		}
		if p.timestamp == nil && slices.Contains(f.Types, "gadget_timestamp") {
			p.timestamp = f.Number
		}
	}
	return p, nil
}

// annotatedNumber returns the number that an annotation of src names, nil without
// the annotation.
func annotatedNumber(src *field.Source, annotation string) (field.NumberFunc, error) {
	name := src.Annotations[annotation]
	if name == "" {
		return nil, nil
	}
	f := src.Lookup(name)
	switch {
	case f == nil:
		return nil, fmt.Errorf("annotation %s: %w", annotation, src.Unknown(name))
	case f.Number == nil || f.Kind == field.Float:
		return nil, fmt.Errorf("annotation %s: field %q is not a whole number", annotation, f.FullName)
	}
	return f.Number, nil
}

// payloadOf returns how to find the packet of an event: a field, or what comes
// after the fields.
func payloadOf(src *field.Source) (func(sample []byte) []byte, error) {
	name, rest := src.Annotations[annotationPayload], src.Annotations[gadgetapi.AnnotationRestName]
	if name == "" && rest == "" {
		return nil, fmt.Errorf("data source %q has no packets, which mode %q needs (annotation %s)",
			src.Name, PcapNG, annotationPayload)
	}
	if name != "" && !strings.EqualFold(name, rest) {
		f := src.Lookup(name)
		if f == nil {
			return nil, fmt.Errorf("annotation %s: %w", annotationPayload, src.Unknown(name))
		}
		return func(s []byte) []byte { return s[f.Offset : f.Offset+f.Size] }, nil
	}
	return src.Rest, nil
}

// Header appends the section of the file.
func (p *pcapNG) Header(dst []byte) []byte {
	start := len(dst)
	dst = beginBlock(dst, blockSection)
	dst = binary.LittleEndian.AppendUint32(dst, byteOrderMagic)
	dst = binary.LittleEndian.AppendUint16(dst, 1) // version 1.0
	dst = binary.LittleEndian.AppendUint16(dst, 0)
	dst = binary.LittleEndian.AppendUint64(dst, ^uint64(0)) // of unknown length
	return endBlock(dst, start)
}

// Event appends one packet, and its interface when it is the first one there.
func (p *pcapNG) Event(dst, sample []byte) []byte {
	packet := p.payload(sample)
	packet = packet[:min(len(packet), maxPacket)]
	whole := uint64(len(packet))
	if p.length != nil {
		n := p.length(sample)
		packet = packet[:min(uint64(len(packet)), n)]
		whole = max(n, uint64(len(packet)))
	}
	var at uint64
	if p.timestamp != nil {
		at = p.timestamp(sample)
	}
	dst, number := p.networkInterface(dst, sample)
	start := len(dst)
	dst = beginBlock(dst, blockPacket)
	dst = binary.LittleEndian.AppendUint32(dst, number)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(at>>32))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(at))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(packet)))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(min(whole, 1<<32-1)))
	return endBlock(append(dst, packet...), start)
}

// networkInterface returns the number of the interface of an event.
func (p *pcapNG) networkInterface(dst, sample []byte) ([]byte, uint32) {
	p.key = p.key[:0]
	for i, key := range p.keys {
		if i > 0 {
			p.key = append(p.key, '/')
		}
		p.key = key(p.key, sample)
	}
	name := len(p.key)
	for _, v := range p.variables {
		p.key = v.value(append(p.key, 0), sample)
	}
	if n, ok := p.interfaces[string(p.key)]; ok {
		return dst, n
	}
	if len(p.interfaces) >= maxInterfaces {
		return dst, 0
	}
	n := uint32(len(p.interfaces))
	p.interfaces[string(p.key)] = n
	start := len(dst)
	dst = beginBlock(dst, blockInterface)
	dst = binary.LittleEndian.AppendUint16(dst, linkEthernet)
	dst = binary.LittleEndian.AppendUint16(dst, 0)
	dst = binary.LittleEndian.AppendUint32(dst, maxPacket)
	dst = appendText(dst, optionName, p.key[:name])
	dst = appendText(dst, optionDescription, []byte(p.description(sample)))
	dst = appendOption(dst, optionResolution, []byte{nanoseconds})
	dst = binary.LittleEndian.AppendUint32(dst, 0) // the end of the options
	return endBlock(dst, start), n
}

// description returns the variables of the interface of an event, for scripts of
// Wireshark: "k8s.node=a;k8s.podName=b", the values as in the query of a URL. It is empty
// where no variable has a value.
func (p *pcapNG) description(sample []byte) string {
	var parts []string
	has := false
	for _, v := range p.variables {
		value := v.value(nil, sample)
		has = has || len(value) > 0
		parts = append(parts, v.name+"="+url.QueryEscape(string(value)))
	}
	if !has {
		return ""
	}
	return strings.Join(parts, ";")
}

func (p *pcapNG) Array(dst []byte, samples [][]byte) []byte {
	for _, s := range samples {
		dst = p.Event(dst, s)
	}
	return dst
}

// maxText is how much of a text an option has.
const maxText = 1 << 10

// appendText appends an option with a text, nothing for an empty one.
func appendText(dst []byte, code uint16, text []byte) []byte {
	if len(text) == 0 {
		return dst
	}
	return appendOption(dst, code, text[:min(len(text), maxText)])
}

func appendOption(dst []byte, code uint16, value []byte) []byte {
	dst = binary.LittleEndian.AppendUint16(dst, code)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(value)))
	return padTo4(append(dst, value...), len(value))
}

// beginBlock appends the type of a block and room for its length.
func beginBlock(dst []byte, kind uint32) []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(dst, kind), 0)
}

// endBlock fills the block that begins at start up to whole words, and writes its
// length at both ends.
func endBlock(dst []byte, start int) []byte {
	dst = padTo4(dst, len(dst)-start)
	length := uint32(len(dst) - start + 4)
	binary.LittleEndian.PutUint32(dst[start+4:], length)
	return binary.LittleEndian.AppendUint32(dst, length)
}

// padTo4 appends zeros after n bytes up to a multiple of 4.
func padTo4(dst []byte, n int) []byte {
	for ; n%4 != 0; n++ {
		dst = append(dst, 0)
	}
	return dst
}
