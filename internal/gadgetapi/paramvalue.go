package gadgetapi

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Encode returns the bytes of the variable for value, or an error that says what
// form a value has.
func (p Param) Encode(value string) ([]byte, error) {
	if len(p.PossibleValues) > 0 && !slices.Contains(p.PossibleValues, value) {
		return nil, fmt.Errorf("%q is not one of %s", value, strings.Join(p.PossibleValues, ", "))
	}
	out := make([]byte, p.Size)
	if want := p.put(out, value); want != "" {
		return nil, fmt.Errorf("%q is not %s", value, want)
	}
	return out, nil
}

// Want returns what form a value must have, "" when value has it.
func (p Param) Want(value string) string { return p.put(make([]byte, p.Size), value) }

// put writes value to dst, or returns what form it must have.
func (p Param) put(dst []byte, value string) string {
	if p.Size == 0 {
		return unsettable
	}
	bits := p.Size * 8
	switch p.Type {
	case ParamBool:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return "true or false"
		}
		if b {
			dst[0] = 1
		}
	case ParamInt:
		n, err := strconv.ParseInt(value, 0, bits)
		if err != nil {
			return fmt.Sprintf("a signed integer of %d bits", bits)
		}
		putNumber(dst, uint64(n))
	case ParamUint:
		n, err := strconv.ParseUint(value, 0, bits)
		if err != nil {
			return fmt.Sprintf("an unsigned integer of %d bits", bits)
		}
		putNumber(dst, n)
	case ParamFloat:
		f, err := strconv.ParseFloat(value, bits)
		if err != nil {
			return "a number"
		}
		if p.Size == 4 {
			putNumber(dst, uint64(math.Float32bits(float32(f))))
		} else {
			putNumber(dst, math.Float64bits(f))
		}
	case ParamString:
		if len(value) >= p.Size || strings.ContainsRune(value, 0) {
			return fmt.Sprintf("a text of at most %d bytes", p.Size-1)
		}
		copy(dst, value)
	case ParamIP:
		return putIP(dst, value)
	default:
		return unsettable
	}
	return ""
}

func putNumber(dst []byte, n uint64) {
	var all [8]byte
	binary.NativeEndian.PutUint64(all[:], n)
	copy(dst, all[:]) // every supported machine is little endian
}

// Decode returns the text of a value of the variable, which Encode makes the same
// bytes of; "" for an address that is none.
func (p Param) Decode(value []byte) string {
	if len(value) != p.Size || p.Size == 0 {
		return ""
	}
	switch p.Type {
	case ParamBool:
		return strconv.FormatBool(!isZero(value))
	case ParamInt:
		shift := 64 - 8*p.Size
		return strconv.FormatInt(int64(number(value)<<shift)>>shift, 10)
	case ParamUint:
		return strconv.FormatUint(number(value), 10)
	case ParamFloat:
		if p.Size == 4 {
			return strconv.FormatFloat(float64(math.Float32frombits(uint32(number(value)))), 'g', -1, 32)
		}
		return strconv.FormatFloat(math.Float64frombits(number(value)), 'g', -1, 64)
	case ParamString:
		text, _, _ := bytes.Cut(value, []byte{0})
		return string(text)
	case ParamIP:
		return ipText(value)
	}
	return ""
}

// number is the opposite of putNumber.
func number(value []byte) uint64 {
	var all [8]byte
	copy(all[:], value)
	return binary.NativeEndian.Uint64(all[:])
}

// versionAt is where struct gadget_l3endpoint_t has the version, after 16 bytes
// of address.
const versionAt = 16

// ipText is the opposite of putIP.
func ipText(value []byte) string {
	if len(value) <= versionAt {
		return ""
	}
	switch value[versionAt] {
	case 4:
		return netip.AddrFrom4([4]byte(value[:4])).String()
	case 6:
		return netip.AddrFrom16([16]byte(value[:16])).String()
	}
	return ""
}

// putIP writes value as struct gadget_l3endpoint_t: 16 bytes of address, then
// the version.
func putIP(dst []byte, value string) string {
	a, err := netip.ParseAddr(value)
	if err != nil || len(dst) <= versionAt {
		return "an IP address"
	}
	if a.Is4() || a.Is4In6() {
		b := a.Unmap().As4()
		copy(dst, b[:])
		dst[versionAt] = 4
		return ""
	}
	b := a.As16()
	copy(dst, b[:])
	dst[versionAt] = 6
	return ""
}
