package field

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strconv"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// decode gives f its kind and decoders for the base type of member m and
// reports whether the type has text at all.
func decode(f *Field, base btf.Type, m btf.Member) bool {
	switch t := base.(type) {
	case *btf.Int:
		return decodeInt(f, t, m)
	case *btf.Float:
		return decodeFloat(f)
	case *btf.Enum:
		f.Kind = Uint
		if t.Signed {
			f.Kind = Int
		}
		return decodeNumber(f, m)
	case *btf.Array:
		return decodeArray(f, t)
	}
	return false
}

func decodeInt(f *Field, t *btf.Int, m btf.Member) bool {
	switch t.Encoding {
	case btf.Bool:
		f.Kind = Bool
	case btf.Signed:
		f.Kind = Int
	default:
		f.Kind = Uint
	}
	return decodeNumber(f, m)
}

func decodeNumber(f *Field, m btf.Member) bool {
	read := reader(f.Offset, f.Size, f.Kind == Int)
	if m.BitfieldSize > 0 {
		read = bitfield(f, m)
	}
	if read == nil {
		return false
	}
	f.Number = read
	f.Append = numberText(f.Kind, read)
	return true
}

func numberText(k Kind, read NumberFunc) AppendFunc {
	switch k {
	case Bool:
		return func(dst, s []byte) []byte { return strconv.AppendBool(dst, read(s) != 0) }
	case Int:
		return func(dst, s []byte) []byte { return strconv.AppendInt(dst, int64(read(s)), 10) }
	default:
		return func(dst, s []byte) []byte { return strconv.AppendUint(dst, read(s), 10) }
	}
}

// reader returns the decoder of a whole number of size bytes at off, nil for
// sizes that Go has no integer for.
func reader(off, size uint32, signed bool) NumberFunc {
	end := off + size
	switch {
	case size == 1 && signed:
		return func(s []byte) uint64 { return uint64(int8(s[off])) }
	case size == 1:
		return func(s []byte) uint64 { return uint64(s[off]) }
	case size == 2 && signed:
		return func(s []byte) uint64 { return uint64(int16(binary.NativeEndian.Uint16(s[off:end]))) }
	case size == 2:
		return func(s []byte) uint64 { return uint64(binary.NativeEndian.Uint16(s[off:end])) }
	case size == 4 && signed:
		return func(s []byte) uint64 { return uint64(int32(binary.NativeEndian.Uint32(s[off:end]))) }
	case size == 4:
		return func(s []byte) uint64 { return uint64(binary.NativeEndian.Uint32(s[off:end])) }
	case size == 8:
		return func(s []byte) uint64 { return binary.NativeEndian.Uint64(s[off:end]) }
	}
	return nil
}

// bitfield returns the decoder of a member of less than a byte's granularity.
// Only little endian machines are supported, as in arch.All.
func bitfield(f *Field, m btf.Member) NumberFunc {
	bits := uint(m.BitfieldSize)
	shift := uint(m.Offset) % 8
	n := (shift + bits + 7) / 8
	if bits > 64 || n > 8 {
		return nil
	}
	off, signed := f.Offset, f.Kind == Int
	return func(s []byte) uint64 {
		var v uint64
		for i := range n {
			if at := int(off) + int(i); at < len(s) {
				v |= uint64(s[at]) << (8 * i)
			}
		}
		v = v >> shift << (64 - bits)
		if signed {
			return uint64(int64(v) >> (64 - bits))
		}
		return v >> (64 - bits)
	}
}

func decodeFloat(f *Field) bool {
	raw := reader(f.Offset, f.Size, false)
	if raw == nil || f.Size < 4 {
		return false
	}
	width := int(f.Size) * 8
	f.Kind = Float
	f.Number = raw
	if width == 32 {
		f.Number = func(s []byte) uint64 { return math.Float64bits(float64(math.Float32frombits(uint32(raw(s))))) }
	}
	f.Append = func(dst, s []byte) []byte {
		v := math.Float64frombits(f.Number(s))
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return append(dst, "null"...)
		}
		return strconv.AppendFloat(dst, v, 'g', -1, width)
	}
	return true
}

// decodeArray handles strings (arrays of char) and arrays of numbers.
func decodeArray(f *Field, t *btf.Array) bool {
	elem, names := gadgetapi.Resolve(t.Type)
	if i, ok := elem.(*btf.Int); ok && i.Size == 1 && slices.Contains(names, "char") {
		if f.Kind != List {
			f.Kind = String
		}
		off, end := f.Offset, f.Offset+f.Size
		f.Append = func(dst, s []byte) []byte { return append(dst, cstring(s[off:end])...) }
		return true
	}
	size, err := btf.Sizeof(elem)
	if err != nil || size <= 0 || t.Nelems == 0 {
		return false
	}
	item := &Field{FullName: f.FullName, Offset: f.Offset, Size: uint32(size)}
	if !decode(item, elem, btf.Member{}) || item.Kind == String || item.Kind == Array {
		return false
	}
	n, append1 := int(t.Nelems), item.Append
	f.Kind = Array
	f.Append = func(dst, s []byte) []byte {
		dst = append(dst, '[')
		for i := range n {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append1(dst, s[i*size:])
		}
		return append(dst, ']')
	}
	return true
}

// cstring returns b up to its first NUL.
func cstring(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}
