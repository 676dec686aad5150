package binary

import (
	"bytes"
	"debug/elf"
)

// The types of notes, each with the name of who defined it.
const (
	noteBuildID   = 3 // NT_GNU_BUILD_ID of "GNU"
	noteStaticSDT = 3 // of "stapsdt"
)

// notes calls fn for every note in data until fn returns false.
func notes(data []byte, fn func(name []byte, kind uint32, desc []byte) bool) {
	for len(data) >= 12 {
		nameLen, descLen, kind := uint64(le.Uint32(data)), uint64(le.Uint32(data[4:])), le.Uint32(data[8:])
		data = data[12:]
		if align4(nameLen)+descLen > uint64(len(data)) {
			return
		}
		name, desc := data[:nameLen], data[align4(nameLen):align4(nameLen)+descLen]
		if !fn(bytes.TrimRight(name, "\x00"), kind, desc) {
			return
		}
		data = data[min(align4(nameLen)+align4(descLen), uint64(len(data))):]
	}
}

func align4(n uint64) uint64 { return (n + 3) &^ 3 }

// maxBuildID is longer than any hash that linkers use.
const maxBuildID = 64

// BuildID returns what the linker named the file by, nil when it did not.
func (f *File) BuildID() []byte {
	var id []byte
	look := func(data []byte) {
		notes(data, func(name []byte, kind uint32, desc []byte) bool {
			if string(name) == "GNU" && kind == noteBuildID && len(desc) > 0 && len(desc) <= maxBuildID {
				id = desc
			}
			return id == nil
		})
	}
	for i := range f.segments {
		s := &f.segments[i]
		if s.kind != elf.PT_NOTE || id != nil {
			continue
		}
		if data, err := f.bytes(s.offset, s.inFile, maxNotes); err == nil {
			look(data)
		}
	}
	if s := f.named(".note.gnu.build-id"); s != nil && id == nil {
		if data, err := f.sectionBytes(s, maxNotes); err == nil {
			look(data)
		}
	}
	return id
}

// DebugLink returns the name of the file that has the symbols which were
// stripped, and the CRC-32 (IEEE) of its bytes; "" if none exists.
func (f *File) DebugLink() (name string, crc uint32) {
	s := f.named(".gnu_debuglink")
	if s == nil {
		return "", 0
	}
	data, err := f.sectionBytes(s, maxName)
	if err != nil || len(data) < 8 {
		return "", 0
	}
	return string(cString(data, 0)), le.Uint32(data[len(data)-4:])
}
