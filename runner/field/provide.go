package field

import "encoding/binary"

// Provided returns the fields that the operator called name gives their values,
// without structs of such fields.
func (s *Source) Provided(name string) []*Field {
	var out []*Field
	for _, f := range s.All() {
		if f.Provider == name && f.Kind != Struct {
			out = append(out, f)
		}
	}
	return out
}

// Reserve makes room for size bytes in the records of the data source, aligned
// to 8, and returns where they begin. Operators that add values write them
// there. It must be called before anything reads records.
func (s *Source) Reserve(size uint32) (offset uint32) {
	const align = 8
	offset = (s.Size + align - 1) / align * align
	s.Size = offset + size
	return offset
}

// Rest returns the bytes after the event of a record; they follow what operators
// add.
func (s *Source) Rest(record []byte) []byte {
	if s.rest == 0 || len(record) < int(s.Size) {
		return nil
	}
	return RestAt(record, s.rest, s.Size)
}

// RestAt returns the bytes of a record from at on, whose number is in the slot.
func RestAt(record []byte, slot, at uint32) []byte {
	rest := record[at:]
	return rest[:min(len(rest), int(binary.NativeEndian.Uint32(record[slot:])))]
}

// Finish gives every field that no operator gave a value an empty one, so that
// it is present as the description of the data source specifies.
func (s *Source) Finish() {
	for _, f := range s.All() {
		if f.Append != nil || f.Kind == Struct {
			continue
		}
		f.Constant = true
		if f.Kind == String {
			f.Append = func(dst, _ []byte) []byte { return dst }
			continue
		}
		f.Number = func([]byte) uint64 { return 0 }
		f.Append = numberText(f.Kind, f.Number)
	}
}
