package binary

import (
	"debug/elf"
	"fmt"
	"math"
)

// The table of functions that every Go binary keeps for its own stack traces,
// also without symbols: a header, names, and pairs of a program counter and the
// offset of what else is known. Its layouts are distinguished by the first word.
const (
	goMagic12  = 0xfffffffb
	goMagic116 = 0xfffffffa
	goMagic118 = 0xfffffff0
	goMagic120 = 0xfffffff1
)

// maxGoFunctions is how many functions a Go binary may have.
const maxGoFunctions = 4 << 20

func (f *File) goSection() *section {
	return f.named(".gopclntab", ".data.rel.ro.gopclntab")
}

// goTable reads the functions of a Go binary.
func (f *File) goTable() (*Table, error) {
	g, err := f.openGoTable()
	if err != nil {
		return nil, fmt.Errorf("reading the table of Go functions: %w", err)
	}
	t := &Table{entries: make([]entry, 0, g.count), names: g.names}
	g.each(func(name uint32, pc, next uint64) bool {
		t.entries = append(t.entries, entry{pc, uint32(min(next-pc, math.MaxUint32)), name})
		return true
	})
	t.sortEntries()
	return t, nil
}

// goFunction finds a function of a Go binary by its whole name, "main.main".
func (f *File) goFunction(name string) (Function, bool, error) {
	g, err := f.openGoTable()
	if err != nil {
		return Function{}, false, fmt.Errorf("reading the table of Go functions: %w", err)
	}
	var found Function
	ok := false
	g.each(func(at uint32, pc, next uint64) bool {
		if ok = string(cString(g.names, uint64(at))) == name; ok {
			found = Function{pc, next - pc}
		}
		return !ok
	})
	return found, ok, nil
}

// GoCode reports whether an address is in code of Go; no address is in a file
// without Go. Code of C that a Go binary has is outside.
func (f *File) GoCode() (func(addr uint64) bool, error) {
	if f.goSection() == nil {
		return func(uint64) bool { return false }, nil
	}
	g, err := f.openGoTable()
	if err != nil {
		return nil, fmt.Errorf("reading the table of Go functions: %w", err)
	}
	first, end := uint64(math.MaxUint64), uint64(0)
	g.each(func(_ uint32, pc, next uint64) bool {
		first, end = min(first, pc), max(end, next)
		return true
	})
	return func(addr uint64) bool { return first <= addr && addr < end }, nil
}

// goTable is the decoded header of a table of Go functions.
type goTable struct {
	magic  uint32
	word   int // bytes of an address
	count  uint64
	text   uint64 // what program counters are relative to
	table  []byte // the pairs, and what their offsets are relative to
	names  []byte
	step   int // bytes of a program counter in a pair
	nameAt int // where what is known of a function has the offset of its name
}

func (f *File) openGoTable() (*goTable, error) {
	s := f.goSection()
	data, err := f.sectionBytes(s, maxTable)
	if err != nil {
		return nil, err
	}
	if len(data) < 8+8*8 {
		return nil, ErrFormat
	}
	g := &goTable{magic: le.Uint32(data), word: int(data[7])}
	if g.word != 4 && g.word != 8 {
		return nil, ErrFormat
	}
	at := func(i int) uint64 { return g.uint(data[8+i*g.word:], g.word) }
	g.count = at(0)
	var names, table uint64
	switch g.magic {
	case goMagic118, goMagic120:
		names, table, g.step, g.nameAt = at(3), at(7), 4, 4
		g.text = f.goText(s, at(2))
	case goMagic116:
		names, table, g.step, g.nameAt = at(2), at(6), g.word, g.word
	case goMagic12:
		names, table, g.step, g.nameAt = 0, uint64(8+g.word), g.word, g.word
	default:
		return nil, fmt.Errorf("unknown layout %#x", g.magic)
	}
	if names > uint64(len(data)) || table > uint64(len(data)) || g.count > maxGoFunctions ||
		(2*g.count+1)*uint64(g.step) > uint64(len(data))-table {
		return nil, ErrFormat
	}
	g.names, g.table = data[names:], data[table:]
	return g, nil
}

func (g *goTable) uint(d []byte, size int) uint64 {
	if size == 4 {
		return uint64(le.Uint32(d))
	}
	return le.Uint64(d)
}

// each calls fn for every function until it returns false: where its name is,
// where it begins and where the next one does.
func (g *goTable) each(fn func(name uint32, pc, next uint64) bool) {
	base := g.table
	if g.magic == goMagic12 {
		base = g.names
	}
	for i := range g.count {
		pair := g.table[2*i*uint64(g.step):]
		pc, info, next := g.uint(pair, g.step), g.uint(pair[g.step:], g.step), g.uint(pair[2*g.step:], g.step)
		if info > uint64(len(base)) || uint64(len(base))-info < uint64(g.nameAt+4) || next < pc {
			continue
		}
		if !fn(le.Uint32(base[info+uint64(g.nameAt):]), g.text+pc, g.text+next) {
			return
		}
	}
}

// The words of Go's module data (since Go 1.18): a pointer to the table, six
// slices and three addresses, then the beginning of the code.
const goModuleText = 1 + 6*3 + 3

// goText returns where the code of Go begins. The header has it, in a
// position-independent binary through a relocation; since Go 1.26 only the
// module data does. Code of C may come before it in the same section.
func (f *File) goText(table *section, address uint64) uint64 {
	word := uint64(4)
	if f.wide {
		word = 8
	}
	if address != 0 {
		return address
	}
	if text := f.relocated(table.addr + 8 + 2*word); text != 0 {
		return text
	}
	if m := f.named(".go.module"); m != nil {
		at := m.addr + goModuleText*word
		if text := f.relocated(at); text != 0 {
			return text
		}
		if offset, ok := f.FileOffset(at); ok {
			if d, err := f.bytes(offset, word, word); err == nil && f.word(d) != 0 {
				return f.word(d)
			}
		}
	}
	if s := f.named(".text"); s != nil {
		return s.addr
	}
	return 0
}

// relocated returns the address that the loader writes at addr, 0 for none.
func (f *File) relocated(addr uint64) uint64 {
	const x86, arm = uint32(elf.R_X86_64_RELATIVE), uint32(elf.R_AARCH64_RELATIVE)
	for i := range f.sections {
		s := &f.sections[i]
		if s.kind != elf.SHT_RELA || s.flags&elf.SHF_ALLOC == 0 || !f.wide {
			continue
		}
		data, err := f.sectionBytes(s, maxTable)
		if err != nil {
			return 0
		}
		for ; len(data) >= 24; data = data[24:] {
			kind := le.Uint32(data[8:])
			if le.Uint64(data) == addr && (kind == x86 || kind == arm) {
				return le.Uint64(data[16:])
			}
		}
	}
	return 0
}
