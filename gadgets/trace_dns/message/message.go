// Package message reads messages of DNS from outside.
package message

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
)

const (
	headerSize = 12
	// maxName is the longest name, as it is written in a message.
	maxName = 255
	// maxAnswers is how many addresses of a message are shown.
	maxAnswers = 128

	typeA    = 1
	typeAAAA = 28
	classIN  = 1
)

// Message is what is shown of a message of DNS. One from outside may end anywhere and
// say anything: what cannot be read is empty.
type Message struct {
	ID                 uint16
	Response           bool
	Truncated          bool
	RecursionAvailable bool
	RecursionDesired   bool
	Code               uint16 // of a response
	Asked              bool   // there is a question, whose name and type are these:
	Name               string // as files of zones have it, with the dot at its end
	Type               uint16
	Answers            uint16   // how many the header says there are
	Addresses          []string // of IPv4 and IPv6, in the answers
}

// Decode reads a message. It fails only where not even the header is there.
func Decode(b []byte) (Message, bool) {
	if len(b) < headerSize {
		return Message{}, false
	}
	flags := binary.BigEndian.Uint16(b[2:])
	m := Message{
		ID:                 binary.BigEndian.Uint16(b),
		Response:           flags&(1<<15) != 0,
		Truncated:          flags&(1<<9) != 0,
		RecursionDesired:   flags&(1<<8) != 0,
		RecursionAvailable: flags&(1<<7) != 0,
		Code:               flags & 0xf,
		Answers:            binary.BigEndian.Uint16(b[6:]),
	}
	off := headerSize
	for i := range binary.BigEndian.Uint16(b[4:]) {
		name, end, ok := readName(b, off)
		if !ok || end+4 > len(b) {
			return m, true
		}
		if i == 0 {
			m.Asked, m.Name, m.Type = true, name, binary.BigEndian.Uint16(b[end:])
		}
		off = end + 4
	}
	m.Addresses = readAddresses(b, off, int(m.Answers))
	return m, true
}

// readAddresses returns the addresses in the first n resource records at off.
func readAddresses(b []byte, off, n int) []string {
	var out []string
	for range min(n, maxAnswers) {
		_, end, ok := readName(b, off)
		if !ok || end+10 > len(b) {
			break
		}
		kind, class := binary.BigEndian.Uint16(b[end:]), binary.BigEndian.Uint16(b[end+2:])
		data := b[end+10:]
		size := int(binary.BigEndian.Uint16(b[end+8:]))
		if size > len(data) {
			break
		}
		// The highest bit of the class is another thing in multicast DNS.
		if class&^(1<<15) == classIN && (kind == typeA && size == 4 || kind == typeAAAA && size == 16) {
			addr, _ := netip.AddrFromSlice(data[:size])
			out = append(out, addr.String())
		}
		off = end + 10 + size
	}
	return out
}

// readName returns the name at off, and where it ends. A name may go on elsewhere, but
// only before the place that says so: it ends for certain.
func readName(b []byte, off int) (name string, end int, ok bool) {
	var out strings.Builder
	size, limit := 0, len(b)
	for off < limit {
		n := int(b[off])
		switch n >> 6 {
		case 0:
			off++
			if size += n + 1; size > maxName || off+n > limit {
				return "", 0, false
			}
			if n == 0 {
				if end == 0 {
					end = off
				}
				if out.Len() == 0 {
					return ".", end, true
				}
				return out.String(), end, true
			}
			writeLabel(&out, b[off:off+n])
			off += n
		case 3:
			if off+2 > limit {
				return "", 0, false
			}
			if end == 0 {
				end = off + 2
			}
			limit, off = off, int(binary.BigEndian.Uint16(b[off:])&0x3fff)
		default:
			return "", 0, false
		}
	}
	return "", 0, false
}

// writeLabel writes a label and a dot, as files of zones have them: bytes that are not
// printable as \DDD.
func writeLabel(out *strings.Builder, label []byte) {
	for _, c := range label {
		switch {
		case c == '.' || c == '\\':
			out.WriteByte('\\')
			out.WriteByte(c)
		case c <= ' ' || c >= 0x7f:
			fmt.Fprintf(out, `\%03d`, c)
		default:
			out.WriteByte(c)
		}
	}
	out.WriteByte('.')
}
