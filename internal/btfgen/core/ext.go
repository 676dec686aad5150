package core

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// record is one CO-RE record of .BTF.ext (struct bpf_core_relo).
type record struct {
	section   uint32 // string offset of the name of the ELF section
	insn      uint32 // offset of the instruction in the section, in bytes
	typeID    uint32
	accessOff uint32 // string offset of the access string
	kind      Kind
}

const (
	extMagic     = 0xEB9F
	extHeaderMin = 24 // without CO-RE relocations
	extHeaderLen = 32
	recordLen    = 16
	sectionLen   = 8
	recordMax    = 1 << 10 // a longer record comes from no compiler
)

// lineRecord is one line record of .BTF.ext (struct bpf_line_info).
type lineRecord struct {
	section, insn uint32 // as in record
	fileOff       uint32 // string offset
	line          uint32
}

// extInfo is what parseExt reads of a .BTF.ext section.
type extInfo struct {
	relocations []record
	lines       []lineRecord
}

// parseExt reads a .BTF.ext section. Its memory is bounded by the length of
// the section.
func parseExt(b []byte, order binary.ByteOrder) (info extInfo, err error) {
	if len(b) < extHeaderMin {
		return info, errors.New("section is shorter than its header")
	}
	if order.Uint16(b) != extMagic {
		return info, errors.New("wrong magic number")
	}
	if b[2] != 1 {
		return info, fmt.Errorf("version %d is unknown", b[2])
	}
	hdr := order.Uint32(b[4:])
	if hdr < extHeaderMin || uint64(hdr) > uint64(len(b)) {
		return info, fmt.Errorf("header length %d is out of range", hdr)
	}
	body := b[hdr:]
	lines, err := parseRecords(body, order.Uint32(b[16:]), order.Uint32(b[20:]), order)
	if err != nil {
		return info, fmt.Errorf("line information: %w", err)
	}
	for _, r := range lines {
		info.lines = append(info.lines, lineRecord{r.section, r.insn, r.typeID, uint32(r.kind) >> columnBits})
	}
	if hdr >= extHeaderLen {
		info.relocations, err = parseRecords(body, order.Uint32(b[24:]), order.Uint32(b[28:]), order)
		if err != nil {
			return info, fmt.Errorf("CO-RE relocations: %w", err)
		}
	}
	return info, nil
}

// columnBits is how far a line number is shifted to leave room for its column.
const columnBits = 10

// parseRecords reads the record length and then, for each ELF section, a
// header and its records. CO-RE relocations and line records are alike: four
// words, the first of them the offset of the instruction.
func parseRecords(body []byte, off, n uint32, order binary.ByteOrder) ([]record, error) {
	if n == 0 {
		return nil, nil
	}
	if uint64(off)+uint64(n) > uint64(len(body)) || n < 4 {
		return nil, fmt.Errorf("offset %d, length %d are out of range", off, n)
	}
	b := body[off : off+n]
	size := uint64(order.Uint32(b))
	if size < recordLen || size > recordMax {
		return nil, fmt.Errorf("records of %d bytes are unknown", size)
	}
	var out []record
	for b = b[4:]; len(b) > 0; {
		if len(b) < sectionLen {
			return nil, errors.New("a section header is truncated")
		}
		section, n := order.Uint32(b), uint64(order.Uint32(b[4:]))
		b = b[sectionLen:]
		if n*size > uint64(len(b)) {
			return nil, fmt.Errorf("%d records need more than the section has", n)
		}
		for range n {
			out = append(out, record{
				section: section, insn: order.Uint32(b), typeID: order.Uint32(b[4:]),
				accessOff: order.Uint32(b[8:]), kind: Kind(order.Uint32(b[12:])),
			})
			b = b[size:]
		}
	}
	return out, nil
}
