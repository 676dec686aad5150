package assemble

import (
	"bytes"
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
)

// The encodings of signed integers in DWARF.
const (
	dwarfSigned     = 5
	dwarfSignedChar = 6
)

// typedefEnums returns the enums of an object with debug information whose
// underlying type is a typedef.
func typedefEnums(object []byte) ([]btf.EnumDecl, error) {
	f, err := elf.NewFile(bytes.NewReader(object))
	if err != nil {
		return nil, err
	}
	// debug/elf cannot relocate BPF objects. An object of a single unit needs no
	// relocation: what offsets are added to is in place, and sections begin at 0.
	section := func(name string) []byte { return sectionBytes(f, object, name) }
	d, err := dwarf.New(section(".debug_abbrev"), nil, nil, section(".debug_info"), section(".debug_line"), nil, nil,
		section(".debug_str"))
	if err != nil {
		return nil, err
	}
	for _, name := range []string{".debug_addr", ".debug_line_str", ".debug_str_offsets", ".debug_rnglists"} {
		if err := d.AddSection(name, section(name)); err != nil {
			return nil, err
		}
	}
	var out []btf.EnumDecl
	for r := d.Reader(); ; {
		entry, err := r.Next()
		if err != nil || entry == nil {
			return out, err
		}
		if entry.Tag != dwarf.TagEnumerationType {
			continue
		}
		base, typedef, err := underlyingType(d, entry)
		if err != nil {
			return nil, err
		}
		enum, err := readEnum(r, entry)
		if err != nil {
			return nil, err
		}
		if typedef && base != nil {
			encoding, _ := base.Val(dwarf.AttrEncoding).(int64)
			enum.Signed = encoding == dwarfSigned || encoding == dwarfSignedChar
			out = append(out, enum)
		}
	}
}

// underlyingType follows the type of an enum to its underlying integer.
func underlyingType(d *dwarf.Data, enum *dwarf.Entry) (base *dwarf.Entry, typedef bool, err error) {
	const depth = 64
	entry := enum
	for range depth {
		offset, ok := entry.Val(dwarf.AttrType).(dwarf.Offset)
		if !ok {
			return nil, typedef, nil
		}
		r := d.Reader()
		r.Seek(offset)
		if entry, err = r.Next(); err != nil {
			return nil, false, err
		}
		switch {
		case entry == nil:
			return nil, typedef, nil
		case entry.Tag == dwarf.TagBaseType:
			return entry, typedef, nil
		case entry.Tag == dwarf.TagTypedef:
			typedef = true
		}
	}
	return nil, false, errors.New("typedefs refer to each other in a cycle")
}

// readEnum reads the enumerators of an enum.
func readEnum(r *dwarf.Reader, entry *dwarf.Entry) (btf.EnumDecl, error) {
	name, _ := entry.Val(dwarf.AttrName).(string)
	size, _ := entry.Val(dwarf.AttrByteSize).(int64)
	enum := btf.EnumDecl{Name: name, Size: uint32(size)}
	if !entry.Children {
		return enum, nil
	}
	for {
		child, err := r.Next()
		if err != nil || child == nil || child.Tag == 0 {
			return enum, err
		}
		if child.Tag != dwarf.TagEnumerator {
			continue
		}
		name, _ := child.Val(dwarf.AttrName).(string)
		value, ok := child.Val(dwarf.AttrConstValue).(int64)
		if !ok {
			return enum, fmt.Errorf("enumerator %q has no value of 64 bits", name)
		}
		enum.Names, enum.Values = append(enum.Names, name), append(enum.Values, uint64(value))
	}
}

// withEnums returns the object with the enums as the object with debug information
// declares them. One without debug information or BTF stays as it is.
func withEnums(object, debug []byte) ([]byte, error) {
	f, err := elf.NewFile(bytes.NewReader(debug))
	if err != nil || f.Section(".debug_info") == nil {
		return object, nil // an error is reported when the object is checked
	}
	enums, err := typedefEnums(debug)
	if err != nil || len(enums) == 0 {
		return object, err
	}
	return repairEnums(object, enums)
}

// repairEnums returns the object with BTF that has these enums as they are
// declared, see btf.View.RepairEnums.
func repairEnums(object []byte, enums []btf.EnumDecl) ([]byte, error) {
	f, err := elf.NewFile(bytes.NewReader(object))
	if err != nil {
		return nil, err
	}
	types := sectionBytes(f, object, ".BTF")
	if types == nil {
		return object, nil
	}
	view, err := btf.Parse(types)
	if err != nil {
		return nil, err
	}
	repaired, err := view.RepairEnums(enums)
	if err != nil || repaired == nil {
		return object, err
	}
	return replaceSection(f, object, ".BTF", repaired)
}

// Where the header of an ELF file of 64 bits says where section headers are, and
// where one of these has the offset and size of its section.
const (
	elfSectionHeaders = 0x28
	elfHeaderSize     = 0x3a
	elfSectionOffset  = 0x18
	elfSectionSize    = 0x20
)

// replaceSection returns the object with other content for a section, at its end.
func replaceSection(f *elf.File, object []byte, name string, data []byte) ([]byte, error) {
	order := binary.LittleEndian
	if f.Class != elf.ELFCLASS64 || f.ByteOrder != order {
		return nil, errors.New("the object is not a little-endian ELF file of 64 bits")
	}
	for i, s := range f.Sections {
		if s.Name != name {
			continue
		}
		clear(sectionBytes(f, object, name))
		out := append(bytes.Clone(object), make([]byte, -len(object)&7)...)
		header := int(order.Uint64(out[elfSectionHeaders:])) + i*int(order.Uint16(out[elfHeaderSize:]))
		order.PutUint64(out[header+elfSectionOffset:], uint64(len(out)))
		order.PutUint64(out[header+elfSectionSize:], uint64(len(data)))
		return append(out, data...), nil
	}
	return nil, fmt.Errorf("the object has no section %s", name)
}
