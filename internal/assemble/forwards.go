package assemble

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
)

// orderForwards makes the object independent of clang's memory, see
// btf.View.OrderForwards. It changes object.
func orderForwards(object []byte) error {
	f, err := elf.NewFile(bytes.NewReader(object))
	if err != nil {
		return err
	}
	types := sectionBytes(f, object, ".BTF")
	if types == nil {
		return nil
	}
	view, err := btf.Parse(types)
	if err != nil {
		return err
	}
	ids, err := view.OrderForwards()
	if err != nil {
		return err
	}
	if ext := sectionBytes(f, object, ".BTF.ext"); ext != nil && len(ids) > 0 {
		return renumberRelocations(ext, ids)
	}
	return nil
}

// sectionBytes returns the part of object that is the section, or nil.
func sectionBytes(f *elf.File, object []byte, name string) []byte {
	s := f.Section(name)
	if s == nil || s.Type == elf.SHT_NOBITS || s.Offset > uint64(len(object)) ||
		s.FileSize > uint64(len(object))-s.Offset {
		return nil
	}
	return object[s.Offset : s.Offset+s.FileSize : s.Offset+s.FileSize]
}

// Where .BTF.ext says where its CO-RE relocations are, and what they look like
// (struct btf_ext_header and struct bpf_core_relo of the kernel).
const (
	extCoreOffset = 24
	extHeaderLen  = 32
	extSectionLen = 8
	coreTypeID    = 4
	coreRecordLen = 16
)

// renumberRelocations replaces the types of the CO-RE relocations.
func renumberRelocations(ext []byte, ids map[uint32]uint32) error {
	word := func(b []byte, at int) uint64 { return uint64(binary.LittleEndian.Uint32(b[at:])) }
	if len(ext) < extHeaderLen || word(ext, 4) < extHeaderLen {
		return nil // without CO-RE relocations
	}
	from := word(ext, 4) + word(ext, extCoreOffset)
	size := word(ext, extCoreOffset+4)
	if size == 0 {
		return nil
	}
	if from+size > uint64(len(ext)) || size < 4 {
		return fmt.Errorf("the CO-RE relocations (offset %d, length %d) are out of range", from, size)
	}
	b := ext[from : from+size]
	record := word(b, 0)
	if record < coreRecordLen {
		return fmt.Errorf("CO-RE relocations of %d bytes are unknown", record)
	}
	for b = b[4:]; len(b) >= extSectionLen; {
		n := word(b, 4)
		b = b[extSectionLen:]
		if n*record > uint64(len(b)) {
			return fmt.Errorf("%d CO-RE relocations need more bytes than the section has", n)
		}
		for ; n > 0; n-- {
			if id, ok := ids[binary.LittleEndian.Uint32(b[coreTypeID:])]; ok {
				binary.LittleEndian.PutUint32(b[coreTypeID:], id)
			}
			b = b[record:]
		}
	}
	return nil
}
