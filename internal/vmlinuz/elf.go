package vmlinuz

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/guard"
)

// The sections of a vmlinux that are looked at.
const (
	btfSection   = ".BTF"
	dwarfSection = ".debug_info"
	rodata       = ".rodata"
	maxRodata    = 64 << 20 // how much of .rodata is searched for the banner
)

// fromELFBytes is FromELF for an image in memory.
func fromELFBytes(image []byte) (Kernel, error) {
	k, _, err := FromELF(bytes.NewReader(image), int64(len(image)))
	return k, err
}

// FromELF returns the BTF in the .BTF section of a vmlinux of the given size,
// of which only the parts needed are read. If none exists, the error is
// ErrNoBTF and dwarf reports whether pahole could make some from DWARF.
func FromELF(r io.ReaderAt, size int64) (k Kernel, dwarf bool, err error) {
	defer guard.Panics(&err)
	f, err := elf.NewFile(r)
	if err != nil {
		return Kernel{}, false, fmt.Errorf("reading a vmlinux: %w", err)
	}
	k = Kernel{Form: "vmlinux", Arch: elfArch(f.Machine)}
	if s := f.Section(rodata); s != nil {
		if data, err := section(s, size, maxRodata); err == nil {
			k.Release = bannerRelease(data)
		}
	}
	dwarf = f.Section(dwarfSection) != nil
	s := f.Section(btfSection)
	if s == nil {
		return k, dwarf, fmt.Errorf("looking for section %s: %w", btfSection, ErrNoBTF)
	}
	data, err := section(s, size, maxBTF)
	if err != nil {
		return k, dwarf, fmt.Errorf("reading section %s: %w", btfSection, err)
	}
	if k.BTF, err = trimBTF(data); err != nil {
		return k, dwarf, fmt.Errorf("reading section %s: %w", btfSection, err)
	}
	return k, dwarf, nil
}

// section returns the stored bytes of s, which must lie inside the file.
func section(s *elf.Section, size, limit int64) ([]byte, error) {
	n := int64(s.FileSize)
	if s.Type == elf.SHT_NOBITS || n < 0 || n > size {
		return nil, fmt.Errorf("%d bytes in a file of %d", s.FileSize, size)
	}
	if n > limit {
		return nil, fmt.Errorf("%d bytes, the limit is %d", n, limit)
	}
	data := make([]byte, n)
	if _, err := s.ReadAt(data, 0); err != nil {
		return nil, err
	}
	return data, nil
}

// elfArch returns the Arch of an ELF machine, or "" for others.
func elfArch(m elf.Machine) arch.Arch {
	switch m {
	case elf.EM_X86_64:
		return arch.AMD64
	case elf.EM_AARCH64:
		return arch.ARM64
	}
	return ""
}

// ExtractFile is Extract for a file. A vmlinux is read in parts, so that one
// with a gigabyte of DWARF costs no more memory than its BTF; dwarf is as in
// FromELF.
func ExtractFile(path string) (k Kernel, dwarf bool, err error) {
	f, err := action.Open(path)
	if err != nil {
		return Kernel{}, false, err
	}
	defer f.Close()
	var magic [4]byte
	if _, err := io.ReadFull(f, magic[:]); err != nil {
		return Kernel{}, false, fmt.Errorf("identifying the image: %w: too short", ErrNotKernel)
	}
	if string(magic[:]) == elf.ELFMAG {
		info, err := f.Stat()
		if err != nil {
			return Kernel{}, false, err
		}
		return FromELF(f, info.Size())
	}
	data, err := io.ReadAll(io.MultiReader(bytes.NewReader(magic[:]), io.LimitReader(f, MaxImage)))
	if err != nil {
		return Kernel{}, false, err
	}
	k, err = Extract(data)
	return k, false, err
}
