package wasm

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// Kind is the type of a field, as the API numbers types.
type Kind uint32

// The kinds of fields.
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
	String  // text, of any length where a program added the field
	CString // text that ends at its first NUL
	Bytes   // bytes, of any length where a program added the field
)

// kindSizes are the bytes that a value of a kind takes in a record; texts and
// bytes are pointed to.
var kindSizes = [...]uint32{
	Bool: 1, Int8: 1, Int16: 2, Int32: 4, Int64: 8, Uint8: 1, Uint16: 2, Uint32: 4, Uint64: 8, Float32: 4, Float64: 8,
	String: slotSize, CString: slotSize, Bytes: slotSize,
}

// slotSize is the size of the slot of a text: where it is in the record, and
// how long it is.
const slotSize = 8

// valid reports whether k is a kind that a field can have.
func (k Kind) valid() bool { return k >= Bool && k <= Bytes }

// buffered reports whether values of k are buffers.
func (k Kind) buffered() bool { return k == String || k == CString || k == Bytes }

// Field is one value of the events of a source.
type Field struct {
	Name string // full name
	Kind Kind
	// Offset and Size are the position of the value in a record. Size is 0 for a value
	// that is only known as text.
	Offset, Size uint32
	// Text returns the value as text, where it is not in the record.
	Text func(dst, record []byte) []byte
	// Tags are what the program specified for the field: "type:NAME" gives it a
	// special type.
	Tags []string
	// Added reports whether the program added the field.
	Added bool

	source *Source
}

// dynamic reports whether the value is pointed to by a slot.
func (f *Field) dynamic() bool { return f.Added && f.Kind.buffered() }

// Source is a data source as a program sees it.
type Source struct {
	Name   string
	Array  bool
	Size   uint32 // bytes of an event without what the program adds
	Fields []*Field
	// Added reports whether the program made the source.
	Added bool
	// Unreferenced reports whether the program hides the source.
	Unreferenced bool

	extended uint32 // bytes of an event with the slots
	subs     []subscription
	single   record // of the event that is being handled
}

// The limits of what a program may add.
const (
	maxSources     = 64
	maxAddedFields = 256
	maxNameSize    = 256
	maxTags        = 32
	maxSubs        = 64
	maxRecord      = 4 << 20 // bytes of an event with what was added
)

// RecordSize is the fixed size of an event with the slots of added fields.
func (s *Source) RecordSize() uint32 { return max(s.extended, s.Size) }

// Field returns the field called name, in any case, or nil.
func (s *Source) Field(name string) *Field {
	for _, f := range s.Fields {
		if f.Name == name {
			return f
		}
	}
	for _, f := range s.Fields {
		if strings.EqualFold(f.Name, name) {
			return f
		}
	}
	return nil
}

// touched reports whether the program sees, adds to or hides the events of s.
func (s *Source) touched() bool { return len(s.subs) > 0 || s.extended > s.Size || s.Unreferenced }

func (s *Source) addField(name string, kind Kind) (*Field, error) {
	switch {
	case name == "" || len(name) > maxNameSize:
		return nil, fmt.Errorf("%q is not a name of 1 to %d bytes", name, maxNameSize)
	case !kind.valid():
		return nil, fmt.Errorf("field %q: kind %d does not exist", name, kind)
	case slices.ContainsFunc(s.Fields, func(f *Field) bool { return f.Name == name }):
		return nil, fmt.Errorf("data source %q already has a field %q", s.Name, name)
	case s.added() >= maxAddedFields:
		return nil, fmt.Errorf("data source %q: more than %d fields are added", s.Name, maxAddedFields)
	}
	f := &Field{Name: name, Kind: kind, Offset: s.RecordSize(), Size: kindSizes[kind], Added: true, source: s}
	s.Fields = append(s.Fields, f)
	s.extended = f.Offset + f.Size
	return f, nil
}

func (s *Source) added() int {
	n := 0
	for _, f := range s.Fields {
		if f.Added {
			n++
		}
	}
	return n
}

// record is an event with what the program added to it.
type record struct {
	source *Source
	buf    []byte
}

// reset makes r a record of event, whose slots are empty. What is after the event
// stays after the slots.
func (r *record) reset(event []byte) {
	fixed := min(len(event), int(r.source.Size))
	r.buf = append(r.buf[:0], event[:fixed]...)
	if n := int(r.source.RecordSize()) - len(r.buf); n > 0 {
		r.buf = append(r.buf, make([]byte, n)...)
	}
	r.buf = append(r.buf, event[fixed:]...)
}

func (s *Source) newRecord() *record {
	r := &record{source: s}
	r.reset(nil)
	return r
}

// TextAt returns the text that the slot at offset of record points to.
func TextAt(record []byte, offset uint32) []byte {
	if uint64(offset)+slotSize > uint64(len(record)) {
		return nil
	}
	at := uint64(binary.NativeEndian.Uint32(record[offset:]))
	n := uint64(binary.NativeEndian.Uint32(record[offset+4:]))
	if at+n > uint64(len(record)) {
		return nil
	}
	return record[at : at+n]
}

// value returns the bytes of f in r, which are shared unless f is only text.
func (r *record) value(f *Field) ([]byte, error) {
	switch {
	case f.source != r.source:
		return nil, fmt.Errorf("field %q is of another data source than the event", f.Name)
	case f.dynamic():
		return TextAt(r.buf, f.Offset), nil
	case f.Size == 0 && f.Text != nil:
		return f.Text(nil, r.buf), nil
	case f.Size == 0 || uint64(f.Offset)+uint64(f.Size) > uint64(len(r.buf)):
		return nil, fmt.Errorf("field %q has no value", f.Name)
	}
	return r.buf[f.Offset : f.Offset+f.Size], nil
}

// scalar returns the memory of f in r, which must have size bytes.
func (r *record) scalar(f *Field, size uint32) ([]byte, error) {
	if f.dynamic() || f.Size != size {
		return nil, fmt.Errorf("field %q does not hold values of %d bytes", f.Name, size)
	}
	return r.value(f)
}

// setBuffer gives f the value b. A text in the event itself keeps its size: a
// shorter one is filled up with zeros.
func (r *record) setBuffer(f *Field, b []byte) error {
	if f.dynamic() && f.source == r.source {
		return r.setDynamic(f, b)
	}
	dst, err := r.value(f)
	switch {
	case err != nil:
		return err
	case f.Size == 0:
		return fmt.Errorf("field %q cannot be set, it is made from others", f.Name)
	case len(b) > len(dst):
		return fmt.Errorf("field %q holds %d bytes, %d do not fit", f.Name, len(dst), len(b))
	case len(b) < len(dst) && !f.Kind.buffered():
		return fmt.Errorf("field %q takes %d bytes, not %d", f.Name, len(dst), len(b))
	}
	clear(dst[copy(dst, b):])
	return nil
}

func (r *record) setDynamic(f *Field, b []byte) error {
	if len(r.buf)+len(b) > maxRecord {
		return fmt.Errorf("an event of data source %q gets larger than %d bytes", r.source.Name, maxRecord)
	}
	at := len(r.buf)
	r.buf = append(r.buf, b...)
	binary.NativeEndian.PutUint32(r.buf[f.Offset:], uint32(at))
	binary.NativeEndian.PutUint32(r.buf[f.Offset+4:], uint32(len(b)))
	return nil
}

// array is the entries of an array source.
type array struct {
	source  *Source
	records []*record
}
