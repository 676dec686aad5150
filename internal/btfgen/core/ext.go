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

// parseExt returns the CO-RE records of a .BTF.ext section, in order. Its
// memory is bounded by the length of the section.
func parseExt(b []byte, order binary.ByteOrder) ([]record, error) {
	if len(b) < extHeaderMin {
		return nil, errors.New("section is shorter than its header")
	}
	if order.Uint16(b) != extMagic {
		return nil, errors.New("wrong magic number")
	}
	if b[2] != 1 {
		return nil, fmt.Errorf("version %d is unknown", b[2])
	}
	hdr := order.Uint32(b[4:])
	if hdr < extHeaderMin || uint64(hdr) > uint64(len(b)) {
		return nil, fmt.Errorf("header length %d is out of range", hdr)
	}
	if hdr < extHeaderLen {
		return nil, nil
	}
	off, n := uint64(order.Uint32(b[24:])), uint64(order.Uint32(b[28:]))
	if n == 0 {
		return nil, nil
	}
	body := b[hdr:]
	if off+n > uint64(len(body)) {
		return nil, fmt.Errorf("CO-RE relocations (offset %d, length %d) are out of range", off, n)
	}
	return parseRecords(body[off:off+n], order)
}

// parseRecords reads the record length and then, for each ELF section, a
// header and its records.
func parseRecords(b []byte, order binary.ByteOrder) ([]record, error) {
	if len(b) < 4 {
		return nil, errors.New("CO-RE relocations are cut off")
	}
	size := uint64(order.Uint32(b))
	if size < recordLen || size > recordMax {
		return nil, fmt.Errorf("CO-RE relocations of %d bytes are unknown", size)
	}
	var out []record
	for b = b[4:]; len(b) > 0; {
		if len(b) < sectionLen {
			return nil, errors.New("section header of CO-RE relocations is cut off")
		}
		section, n := order.Uint32(b), uint64(order.Uint32(b[4:]))
		b = b[sectionLen:]
		if n*size > uint64(len(b)) {
			return nil, fmt.Errorf("%d CO-RE relocations need more than the section has", n)
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
