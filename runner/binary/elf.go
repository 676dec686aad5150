// Package binary reads what tracing needs of an ELF file: its functions by name
// and by address, its build ID, its static probes. It takes files of others,
// also hostile ones: everything is bounded, and nothing is read that is not
// needed.
package binary

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The limits of a file. What is larger is refused, not cut.
const (
	maxSections     = 1 << 16
	maxSegments     = 1 << 12
	maxSectionNames = 4 << 20
	maxTable        = 96 << 20 // of symbols, of their names, of the table of a Go binary
	maxNotes        = 1 << 20
	maxName         = 4096 // bytes of a name that is shown
)

// ErrFormat means that a file is not an ELF file that this machine could run.
var ErrFormat = errors.New("not an ELF file of a little-endian machine")

// File is an ELF file.
type File struct {
	Type    elf.Type
	Machine elf.Machine

	r        io.ReaderAt
	size     int64
	wide     bool // 64 bits
	segments []segment
	sections []section
}

// segment is a part of the file that is mapped into memory.
type segment struct {
	kind                        elf.ProgType
	flags                       elf.ProgFlag
	offset, addr, inFile, inMem uint64
}

type section struct {
	name                        string
	kind                        elf.SectionType
	flags                       elf.SectionFlag
	addr, offset, size, entsize uint64
	link                        uint32
}

// New reads the headers of the file of size bytes in r, which the File keeps.
func New(r io.ReaderAt, size int64) (*File, error) {
	var head [64]byte
	if _, err := r.ReadAt(head[:52], 0); err != nil {
		return nil, formatError(err)
	}
	f := &File{r: r, size: size, wide: elf.Class(head[elf.EI_CLASS]) == elf.ELFCLASS64}
	if string(head[:4]) != elf.ELFMAG || elf.Data(head[elf.EI_DATA]) != elf.ELFDATA2LSB ||
		!f.wide && elf.Class(head[elf.EI_CLASS]) != elf.ELFCLASS32 {
		return nil, ErrFormat
	}
	if f.wide {
		if _, err := r.ReadAt(head[:], 0); err != nil {
			return nil, formatError(err)
		}
	}
	f.Type, f.Machine = elf.Type(le.Uint16(head[16:])), elf.Machine(le.Uint16(head[18:]))
	if err := f.readSegments(f.headers(head[:])); err != nil {
		return nil, err
	}
	if err := f.readSections(f.headers(head[:])); err != nil {
		return nil, err
	}
	return f, nil
}

var le = binary.LittleEndian

// formatError makes the end of the file an ErrFormat.
func formatError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrFormat
	}
	return err
}

// headers is where the tables of segments and sections are.
type headers struct {
	segments, sections                                 uint64
	segmentSize, segmentCount, sectionSize, sectionNum uint16
	names                                              uint16
}

func (f *File) headers(head []byte) headers {
	at := 40 // what follows the three addresses of 32 bits
	h := headers{segments: uint64(le.Uint32(head[28:])), sections: uint64(le.Uint32(head[32:]))}
	if f.wide {
		at = 52
		h.segments, h.sections = le.Uint64(head[32:]), le.Uint64(head[40:])
	}
	h.segmentSize, h.segmentCount = le.Uint16(head[at+2:]), le.Uint16(head[at+4:])
	h.sectionSize, h.sectionNum = le.Uint16(head[at+6:]), le.Uint16(head[at+8:])
	h.names = le.Uint16(head[at+10:])
	return h
}

func (f *File) readSegments(h headers) error {
	size := uint16(32)
	if f.wide {
		size = 56
	}
	if h.segmentCount == 0 {
		return nil
	}
	if h.segmentSize < size || h.segmentCount > maxSegments {
		return fmt.Errorf("reading segments: %w", ErrFormat)
	}
	data, err := f.bytes(h.segments, uint64(h.segmentSize)*uint64(h.segmentCount), maxTable)
	if err != nil {
		return fmt.Errorf("reading segments: %w", err)
	}
	for ; len(data) > 0; data = data[h.segmentSize:] {
		f.segments = append(f.segments, f.segment(data))
	}
	return nil
}

func (f *File) segment(d []byte) segment {
	if f.wide {
		return segment{
			kind: elf.ProgType(le.Uint32(d)), flags: elf.ProgFlag(le.Uint32(d[4:])), offset: le.Uint64(d[8:]),
			addr: le.Uint64(d[16:]), inFile: le.Uint64(d[32:]), inMem: le.Uint64(d[40:]),
		}
	}
	return segment{
		kind: elf.ProgType(le.Uint32(d)), offset: uint64(le.Uint32(d[4:])), addr: uint64(le.Uint32(d[8:])),
		inFile: uint64(le.Uint32(d[16:])), inMem: uint64(le.Uint32(d[20:])), flags: elf.ProgFlag(le.Uint32(d[24:])),
	}
}

// readSections reads the headers of sections. A file that has none, or whose
// headers were cut off, still has segments.
func (f *File) readSections(h headers) error {
	size := uint16(40)
	if f.wide {
		size = 64
	}
	if h.sections == 0 || h.sectionNum == 0 || h.sectionSize < size || h.sections >= uint64(f.size) {
		return nil
	}
	data, err := f.bytes(h.sections, uint64(h.sectionSize)*uint64(h.sectionNum), maxTable)
	if err != nil {
		return fmt.Errorf("reading sections: %w", err)
	}
	nameAt := make([]uint32, 0, h.sectionNum)
	for ; len(data) > 0; data = data[h.sectionSize:] {
		nameAt = append(nameAt, le.Uint32(data))
		f.sections = append(f.sections, f.section(data))
	}
	if int(h.names) >= len(f.sections) {
		return nil
	}
	names, err := f.sectionBytes(&f.sections[h.names], maxSectionNames)
	if err != nil {
		return fmt.Errorf("reading the names of sections: %w", err)
	}
	for i, at := range nameAt {
		f.sections[i].name = string(cString(names, uint64(at)))
	}
	return nil
}

func (f *File) section(d []byte) section {
	s := section{kind: elf.SectionType(le.Uint32(d[4:]))}
	if f.wide {
		s.flags = elf.SectionFlag(le.Uint64(d[8:]))
		s.addr, s.offset, s.size = le.Uint64(d[16:]), le.Uint64(d[24:]), le.Uint64(d[32:])
		s.link, s.entsize = le.Uint32(d[40:]), le.Uint64(d[56:])
		return s
	}
	s.flags = elf.SectionFlag(le.Uint32(d[8:]))
	s.addr, s.offset, s.size = uint64(le.Uint32(d[12:])), uint64(le.Uint32(d[16:])), uint64(le.Uint32(d[20:]))
	s.link, s.entsize = le.Uint32(d[24:]), uint64(le.Uint32(d[36:]))
	return s
}

// bytes returns n bytes of the file, at most limit.
func (f *File) bytes(offset, n, limit uint64) ([]byte, error) {
	if n > limit {
		return nil, fmt.Errorf("%d bytes are more than %d", n, limit)
	}
	if size := uint64(f.size); offset > size || n > size-offset {
		return nil, ErrFormat
	}
	data := make([]byte, n)
	if _, err := f.r.ReadAt(data, int64(offset)); err != nil && n > 0 {
		return nil, formatError(err)
	}
	return data, nil
}

func (f *File) sectionBytes(s *section, limit uint64) ([]byte, error) {
	if s.kind == elf.SHT_NOBITS {
		return nil, nil
	}
	return f.bytes(s.offset, s.size, limit)
}

// named returns the first section called one of names, nil if none exists.
func (f *File) named(names ...string) *section {
	for i := range f.sections {
		for _, n := range names {
			if f.sections[i].name == n {
				return &f.sections[i]
			}
		}
	}
	return nil
}

// FileOffset returns where in the file the byte at address addr is, false when
// the file does not hold it.
func (f *File) FileOffset(addr uint64) (uint64, bool) {
	for i := range f.segments {
		s := &f.segments[i]
		if s.kind == elf.PT_LOAD && addr >= s.addr && addr-s.addr < s.inFile {
			return addr - s.addr + s.offset, true
		}
	}
	return 0, false
}

// Address returns the address of the byte at offset of the file, in the segment
// of code that holds it, else in any; false when it is not mapped.
func (f *File) Address(offset uint64) (uint64, bool) {
	var found *segment
	for i := range f.segments {
		s := &f.segments[i]
		if s.kind != elf.PT_LOAD || offset < s.offset || offset-s.offset >= s.inFile {
			continue
		}
		if s.flags&elf.PF_X != 0 {
			return offset - s.offset + s.addr, true
		}
		if found == nil {
			found = s
		}
	}
	if found == nil {
		return 0, false
	}
	return offset - found.offset + found.addr, true
}

// cString returns the text of data from at to the next NUL, nil when at is
// outside, at most maxName bytes.
func cString(data []byte, at uint64) []byte {
	if at >= uint64(len(data)) {
		return nil
	}
	data = data[at:min(uint64(len(data)), at+maxName)]
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return data[:i]
	}
	return data
}

// Detached returns the File without its reader: it still turns offsets into
// addresses and back, for which it keeps the segments alone.
func (f *File) Detached() *File {
	return &File{Type: f.Type, Machine: f.Machine, r: bytes.NewReader(nil), wide: f.wide, segments: f.segments}
}
