package wasmapi

import (
	"fmt"
	"math"
	"runtime"
	"unsafe"
)

// Kind is the type of a field.
type Kind uint32

// The types of fields.
const (
	Bool Kind = iota + 1
	Int8
	Int16
	Int32
	Int64
	Uint8
	Uint16
	Uint32
	Uint64
	Float32
	Float64
	String
	CString
	Bytes
)

// Field is a field of a data source.
type Field struct {
	handle uint32
	name   string
}

// Number are the Go types of fields with numbers.
type Number interface {
	bool | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | float32 | float64
}

// Name returns the name of the field.
func (f Field) Name() string { return f.name }

// AddTag adds a tag; "type:NAME" gives a field a special type, such as
// gadget_mntns_id: a field that the program added, or one of the eBPF program.
func (f Field) AddTag(tag string) error {
	err := fieldAddTag(f.handle, textPointer(tag))
	runtime.KeepAlive(tag)
	if err != 0 {
		return fmt.Errorf("adding tag %q to field %q: the runner refused it", tag, f.name)
	}
	return nil
}

// Get returns the number that field f of an event holds, which must have the
// type T.
func Get[T Number](f Field, event Data) (T, error) {
	kind, _, decode := number[T]()
	var failed uint32
	bits := fieldGetScalar(f.handle, uint32(event), uint32(kind), uint32(uintptr(unsafe.Pointer(&failed))))
	if failed != 0 {
		var zero T
		return zero, fmt.Errorf("reading field %q: it is not a %T", f.name, zero)
	}
	return decode(bits), nil
}

// Set gives field f of an event a number of the field's type.
func Set[T Number](f Field, event Data, value T) error {
	kind, encode, _ := number[T]()
	if fieldSet(f.handle, uint32(event), uint32(kind), encode(value)) != 0 {
		return fmt.Errorf("setting field %q: it is not a %T", f.name, value)
	}
	return nil
}

// number returns the kind of T, and how its values are passed.
func number[T Number]() (kind Kind, encode func(T) uint64, decode func(uint64) T) {
	var zero T
	switch any(zero).(type) {
	case bool:
		return Bool, func(v T) uint64 { return b2u(any(v).(bool)) }, func(u uint64) T { return any(u != 0).(T) }
	case int8:
		return Int8, func(v T) uint64 { return uint64(any(v).(int8)) }, func(u uint64) T { return any(int8(u)).(T) }
	case int16:
		return Int16, func(v T) uint64 { return uint64(any(v).(int16)) }, func(u uint64) T { return any(int16(u)).(T) }
	case int32:
		return Int32, func(v T) uint64 { return uint64(any(v).(int32)) }, func(u uint64) T { return any(int32(u)).(T) }
	case int64:
		return Int64, func(v T) uint64 { return uint64(any(v).(int64)) }, func(u uint64) T { return any(int64(u)).(T) }
	case uint8:
		return Uint8, func(v T) uint64 { return uint64(any(v).(uint8)) }, func(u uint64) T { return any(uint8(u)).(T) }
	case uint16:
		return Uint16, func(v T) uint64 { return uint64(any(v).(uint16)) }, func(u uint64) T { return any(uint16(u)).(T) }
	case uint32:
		return Uint32, func(v T) uint64 { return uint64(any(v).(uint32)) }, func(u uint64) T { return any(uint32(u)).(T) }
	case uint64:
		return Uint64, func(v T) uint64 { return any(v).(uint64) }, func(u uint64) T { return any(u).(T) }
	case float32:
		return Float32, func(v T) uint64 { return uint64(math.Float32bits(any(v).(float32))) },
			func(u uint64) T { return any(math.Float32frombits(uint32(u))).(T) }
	default:
		return Float64, func(v T) uint64 { return math.Float64bits(any(v).(float64)) },
			func(u uint64) T { return any(math.Float64frombits(u)).(T) }
	}
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// Read copies the bytes of the field to dst and returns how many they are. It
// fails when dst is too small.
func (f Field) Read(event Data, dst []byte) (int, error) {
	n := fieldGetBuffer(f.handle, uint32(event), uint32(Bytes), pointer(dst))
	runtime.KeepAlive(dst)
	if n < 0 {
		return 0, fmt.Errorf("reading field %q: the runner refused it, or %d bytes are too few", f.name, len(dst))
	}
	return int(n), nil
}

// scratch is where Text reads to. It grows to the longest text; a program has one
// thread.
var scratch = make([]byte, 4096)

// maxText is the longest text that Text reads.
const maxText = 1 << 20

// Text returns the text of the field, up to its first NUL.
func (f Field) Text(event Data) (string, error) {
	for {
		n, err := f.Read(event, scratch)
		if err == nil {
			return text(scratch[:n]), nil
		}
		if len(scratch) >= maxText {
			return "", err
		}
		scratch = make([]byte, 16*len(scratch))
	}
}

// SetText gives the field a text.
func (f Field) SetText(event Data, s string) error {
	err := fieldSet(f.handle, uint32(event), uint32(String), textPointer(s))
	runtime.KeepAlive(s)
	return f.refused(err)
}

// SetBytes gives the field bytes.
func (f Field) SetBytes(event Data, b []byte) error {
	err := fieldSet(f.handle, uint32(event), uint32(Bytes), pointer(b))
	runtime.KeepAlive(b)
	return f.refused(err)
}

func (f Field) refused(code uint32) error {
	if code != 0 {
		return fmt.Errorf("setting field %q: it takes no text, or a shorter one", f.name)
	}
	return nil
}
