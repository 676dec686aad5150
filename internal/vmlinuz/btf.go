package vmlinuz

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// maxBTF bounds the BTF of one kernel; real ones have 4 to 12 MiB.
const maxBTF = 256 << 20

// The BTF header (Documentation/bpf/btf.rst).
const (
	btfHeaderLen = 24
	btfVersion   = 1
	btfTypeLen   = 12 // a type record without what follows it
	btfMinTypes  = 16 // fewer is not a kernel, when searching an image
	btfLastKind  = 19 // ENUM64; later kinds end the check
	scanFactor   = 8  // a search reads at most this often as much as there is
)

// btfExtra is, by kind, how many bytes follow a type record: once, and for
// each of its vlen members.
var btfExtra = [btfLastKind + 1]struct{ fixed, each int }{
	1: {fixed: 4}, 3: {fixed: 12}, 4: {each: 12}, 5: {each: 12}, 6: {each: 8},
	13: {each: 8}, 14: {fixed: 4}, 15: {each: 12}, 17: {fixed: 4}, 19: {each: 12},
}

// isBTF reports whether b begins like BTF of either byte order.
func isBTF(b []byte) bool {
	return len(b) >= 3 && (b[0] == 0x9f && b[1] == 0xeb || b[0] == 0xeb && b[1] == 0x9f) && b[2] == btfVersion
}

// trimBTF checks the BTF that b begins with and returns it without what
// follows.
func trimBTF(b []byte) ([]byte, error) {
	if len(b) > maxBTF {
		return nil, fmt.Errorf("%d bytes of BTF, the limit is %d", len(b), maxBTF)
	}
	h, err := parseHeader(b)
	if err != nil {
		return nil, err
	}
	if _, err := h.walk(b); err != nil {
		return nil, err
	}
	return b[:h.end], nil
}

// header is a BTF header with its sections as absolute byte ranges.
type header struct {
	order            binary.ByteOrder
	typeOff, typeEnd uint64
	strOff, strEnd   uint64
	end              uint64
}

// parseHeader reads and checks the header that b begins with.
func parseHeader(b []byte) (header, error) {
	if len(b) < btfHeaderLen || !isBTF(b) {
		return header{}, errors.New("no BTF header")
	}
	var order binary.ByteOrder = binary.LittleEndian
	if b[0] == 0xeb {
		order = binary.BigEndian
	}
	u := func(off int) uint64 { return uint64(order.Uint32(b[off:])) }
	hl := u(4)
	h := header{order: order, typeOff: hl + u(8), strOff: hl + u(16)}
	h.typeEnd, h.strEnd = h.typeOff+u(12), h.strOff+u(20)
	h.end = max(h.typeEnd, h.strEnd)
	switch {
	case hl < btfHeaderLen || hl > 4096:
		return header{}, fmt.Errorf("BTF header of %d bytes", hl)
	case h.end > uint64(len(b)):
		return header{}, fmt.Errorf("the BTF header specifies %d bytes, the BTF has %d", h.end, len(b))
	case h.strEnd == h.strOff || b[h.strOff] != 0 || b[h.strEnd-1] != 0:
		return header{}, errors.New("BTF string section is not enclosed in zero bytes")
	}
	return h, nil
}

// walk goes over the types and returns their number. A kind that is newer
// than this code ends the walk without an error.
func (h header) walk(b []byte) (int, error) {
	types := b[h.typeOff:h.typeEnd]
	n := 0
	for len(types) > 0 {
		if len(types) < btfTypeLen {
			return n, fmt.Errorf("BTF type %d is truncated", n+1)
		}
		name, info := h.order.Uint32(types), h.order.Uint32(types[4:])
		if uint64(name) >= h.strEnd-h.strOff {
			return n, fmt.Errorf("BTF type %d has its name outside the strings", n+1)
		}
		kind, vlen := info>>24&0x1f, int(info&0xffff)
		if kind == 0 {
			return n, fmt.Errorf("BTF type %d has kind 0", n+1)
		}
		if kind > btfLastKind {
			return n + 1, nil
		}
		size := btfTypeLen + btfExtra[kind].fixed + vlen*btfExtra[kind].each
		if size > len(types) {
			return n, fmt.Errorf("BTF type %d is truncated", n+1)
		}
		types = types[size:]
		n++
	}
	return n, nil
}

// scanBTF returns the largest valid little-endian BTF inside image, or nil.
// A kernel also holds the small BTF of programs that are built into it.
func scanBTF(image []byte) []byte {
	var best []byte
	magic := []byte{0x9f, 0xeb, btfVersion, 0}
	budget := uint64(len(image)) * scanFactor
	for off := 0; ; {
		i := bytes.Index(image[off:], magic)
		if i < 0 {
			return best
		}
		off += i
		b := image[off:min(len(image), off+maxBTF)]
		off++
		h, err := parseHeader(b)
		if err != nil || h.end <= uint64(len(best)) {
			continue
		}
		if cost := h.typeEnd - h.typeOff; cost <= budget {
			budget -= cost
		} else {
			return best
		}
		if n, err := h.walk(b); err == nil && n >= btfMinTypes {
			best = b[:h.end:h.end]
		}
	}
}
