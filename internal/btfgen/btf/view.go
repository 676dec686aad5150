package btf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"
)

// MaxSize is the largest BTF that Parse takes. The BTF of a kernel with every
// option set has about a fifth of it.
const MaxSize = 64 << 20

const (
	magic      = 0xEB9F
	headerLen  = 24
	typeLen    = 12
	maxVlenPos = 0xffff
)

// View is parsed BTF: the bytes and where each type begins. Its methods take
// the ids 1 to Len; they panic on others, so that callers check with Valid
// what comes from outside.
type View struct {
	types []byte   // little endian, whatever the source was
	strs  []byte   // ends in a zero byte
	offs  []uint32 // offset in types, by id - 1
	big   bool
}

// Parse checks the frame of data (header, extent of each type, string table)
// and returns a View that shares its memory, except for big-endian BTF, of
// which it makes a copy. References between types and offsets of strings are
// not checked here but where they are followed.
func Parse(data []byte) (*View, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("BTF of %d bytes, the limit is %d", len(data), MaxSize)
	}
	if len(data) < headerLen {
		return nil, errors.New("BTF is shorter than its header")
	}
	v := &View{}
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case binary.LittleEndian.Uint16(data) == magic:
	case binary.BigEndian.Uint16(data) == magic:
		order, v.big = binary.BigEndian, true
	default:
		return nil, errors.New("BTF has a wrong magic number")
	}
	if data[2] != 1 {
		return nil, fmt.Errorf("BTF version %d is unknown", data[2])
	}
	hdr := order.Uint32(data[4:])
	if hdr < headerLen || uint64(hdr) > uint64(len(data)) {
		return nil, fmt.Errorf("BTF header length %d is out of range", hdr)
	}
	body := data[hdr:]
	types, err := section(body, order.Uint32(data[8:]), order.Uint32(data[12:]), "type")
	if err != nil {
		return nil, err
	}
	if v.strs, err = section(body, order.Uint32(data[16:]), order.Uint32(data[20:]), "string"); err != nil {
		return nil, err
	}
	if overlap(order.Uint32(data[8:]), order.Uint32(data[12:]), order.Uint32(data[16:]), order.Uint32(data[20:])) {
		return nil, errors.New("BTF type and string sections overlap")
	}
	if len(v.strs) == 0 || v.strs[0] != 0 || v.strs[len(v.strs)-1] != 0 {
		return nil, errors.New("BTF string section does not begin and end with a zero byte")
	}
	v.types = types
	if v.big {
		v.types = swapped(types)
	}
	err = v.index()
	return v, err
}

// overlap reports whether two ranges of bytes, each an offset and a length, share
// any.
func overlap(a, aLen, b, bLen uint32) bool {
	return uint64(a) < uint64(b)+uint64(bLen) && uint64(b) < uint64(a)+uint64(aLen)
}

// section returns body[off : off+n], checked.
func section(body []byte, off, n uint32, name string) ([]byte, error) {
	if uint64(off)+uint64(n) > uint64(len(body)) || off%4 != 0 {
		return nil, fmt.Errorf("BTF %s section (offset %d, length %d) is out of range", name, off, n)
	}
	return body[off : off+n : off+n], nil
}

// swapped returns a copy of b, all of whose fields are 32-bit words, in the
// other byte order.
func swapped(b []byte) []byte {
	out := make([]byte, len(b)&^3)
	for i := 0; i+4 <= len(b); i += 4 {
		binary.LittleEndian.PutUint32(out[i:], binary.BigEndian.Uint32(b[i:]))
	}
	return out
}

// index fills v.offs. The memory it takes is bounded by the length of the type
// section, not by what the section claims.
func (v *View) index() error {
	v.offs = make([]uint32, 0, len(v.types)/24)
	for off := 0; off < len(v.types); {
		if len(v.types)-off < typeLen {
			return fmt.Errorf("BTF type %d is truncated", len(v.offs)+1)
		}
		info := binary.LittleEndian.Uint32(v.types[off+4:])
		kind := Kind(info >> 24 & 0x1f)
		if kind == Void || kind >= kindCount {
			return fmt.Errorf("BTF type %d has the unknown kind %d", len(v.offs)+1, kind)
		}
		e := extra[kind]
		size := typeLen + int(e.fixed) + int(e.each)*int(info&maxVlenPos)
		if len(v.types)-off < size {
			return fmt.Errorf("BTF type %d (%s) is truncated", len(v.offs)+1, kind)
		}
		v.offs = append(v.offs, uint32(off))
		off += size
	}
	return nil
}

// Len returns the number of types, which is also the highest id.
func (v *View) Len() int { return len(v.offs) }

// BigEndian reports whether the source was big endian.
func (v *View) BigEndian() bool { return v.big }

// Valid reports whether id is void (0) or that of a type.
func (v *View) Valid(id uint32) bool { return uint64(id) <= uint64(len(v.offs)) }

// Header is what all kinds have in common.
type Header struct {
	NameOff uint32
	Kind    Kind
	Flag    bool // kind_flag
	Vlen    int
	Data    uint32 // size or type, by kind
	off     uint32
}

// Header returns the common part of type id.
func (v *View) Header(id uint32) Header {
	off := v.offs[id-1]
	b := v.types[off : off+typeLen : off+typeLen]
	info := binary.LittleEndian.Uint32(b[4:])
	return Header{
		NameOff: binary.LittleEndian.Uint32(b),
		Kind:    Kind(info >> 24 & 0x1f),
		Flag:    info>>31 != 0,
		Vlen:    int(info & maxVlenPos),
		Data:    binary.LittleEndian.Uint32(b[8:]),
		off:     off + typeLen,
	}
}

// Word returns the i-th 32-bit word after the common part of the type that h
// heads: members, enumerators and parameters lie there as the kernel's
// documentation has them.
func (v *View) Word(h Header, i int) uint32 {
	return binary.LittleEndian.Uint32(v.types[int(h.off)+4*i:])
}

// String returns the string at off, without a copy.
func (v *View) String(off uint32) (string, error) {
	if uint64(off) >= uint64(len(v.strs)) {
		return "", fmt.Errorf("string offset %d is outside the string section of %d bytes", off, len(v.strs))
	}
	b := v.strs[off:]
	n := bytes.IndexByte(b, 0)
	return unsafe.String(unsafe.SliceData(b), n), nil
}
