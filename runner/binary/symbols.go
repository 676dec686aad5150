package binary

import (
	"debug/elf"
	"errors"
	"fmt"
	"math"
	"strings"
)

// ErrNoSymbols means that nothing in a file names its functions.
var ErrNoSymbols = errors.New("the file has no symbols of functions")

// Functions returns the functions of the file by address: those of its symbol
// table, else those of the table that every Go binary has, else those that it
// exports.
func (f *File) Functions() (*Table, error) {
	if s := f.symbolSection(elf.SHT_SYMTAB); s != nil {
		if t, err := f.symbolTable(s); err != nil || t.Len() > 0 {
			return t, err
		}
	}
	if f.goSection() != nil {
		return f.goTable()
	}
	if s := f.symbolSection(elf.SHT_DYNSYM); s != nil {
		return f.symbolTable(s)
	}
	return nil, ErrNoSymbols
}

// HasSymbolTable reports whether the file was not stripped.
func (f *File) HasSymbolTable() bool { return f.symbolSection(elf.SHT_SYMTAB) != nil }

func (f *File) symbolSection(kind elf.SectionType) *section {
	for i := range f.sections {
		if f.sections[i].kind == kind && f.sections[i].size > 0 {
			return &f.sections[i]
		}
	}
	return nil
}

// symbol is an entry of a symbol table; name is where in the names it begins.
type symbol struct {
	name       uint32
	kind       elf.SymType
	local      bool
	section    elf.SectionIndex
	addr, size uint64
}

// indirect are functions that return another one when the program is loaded
// (STT_GNU_IFUNC); it is that one which is called.
const indirect = elf.SymType(10)

// isFunction reports whether s is a function that this file defines.
func (s symbol) isFunction() bool {
	return (s.kind == elf.STT_FUNC || s.kind == indirect) && s.section != elf.SHN_UNDEF && s.addr != 0
}

// symbols calls fn for each entry of a symbol table, with its number, until fn
// returns false, and returns the names.
func (f *File) symbols(s *section, fn func(i int, sym symbol) bool) ([]byte, error) {
	if int(s.link) >= len(f.sections) {
		return nil, fmt.Errorf("reading symbols: %w", ErrFormat)
	}
	names, err := f.sectionBytes(&f.sections[s.link], maxTable)
	if err != nil {
		return nil, fmt.Errorf("reading the names of symbols: %w", err)
	}
	data, err := f.sectionBytes(s, maxTable)
	if err != nil {
		return nil, fmt.Errorf("reading symbols: %w", err)
	}
	size := 16
	if f.wide {
		size = 24
	}
	for i := 0; len(data) >= size; i, data = i+1, data[size:] {
		if !fn(i, f.symbol(data)) {
			break
		}
	}
	return names, nil
}

func (f *File) symbol(d []byte) symbol {
	if f.wide {
		return symbol{
			name: le.Uint32(d), kind: elf.ST_TYPE(d[4]), local: elf.ST_BIND(d[4]) == elf.STB_LOCAL,
			section: elf.SectionIndex(le.Uint16(d[6:])),
			addr:    le.Uint64(d[8:]), size: le.Uint64(d[16:]),
		}
	}
	return symbol{
		name: le.Uint32(d), addr: uint64(le.Uint32(d[4:])), size: uint64(le.Uint32(d[8:])),
		kind: elf.ST_TYPE(d[12]), local: elf.ST_BIND(d[12]) == elf.STB_LOCAL, section: elf.SectionIndex(le.Uint16(d[14:])),
	}
}

func (f *File) symbolTable(s *section) (*Table, error) {
	var global, local []entry
	names, err := f.symbols(s, func(_ int, sym symbol) bool {
		e := entry{sym.addr, uint32(min(sym.size, math.MaxUint32)), sym.name}
		switch {
		case !sym.isFunction():
		case sym.local:
			local = append(local, e)
		default:
			global = append(global, e)
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	// A function is known by its global name.
	t := &Table{entries: append(global, local...), names: names}
	t.sortEntries()
	return t, nil
}

// Function is where a function is.
type Function struct {
	Addr uint64 // as in the file
	Size uint64 // 0 where it is unknown
}

// Function finds a function by name. name may end with the version of an
// exported symbol, "memcpy@GLIBC_2.14"; of several versions without it the
// default one is meant. The error is ErrNoSymbols when nothing can be found in
// this file at all.
func (f *File) Function(name string) (Function, bool, error) {
	base, version, _ := strings.Cut(name, "@")
	version = strings.TrimPrefix(version, "@")
	var firstErr error
	for _, kind := range []elf.SectionType{elf.SHT_DYNSYM, elf.SHT_SYMTAB} {
		s := f.symbolSection(kind)
		if s == nil {
			continue
		}
		fn, ok, err := f.findSymbol(s, base, version)
		if ok {
			return fn, true, nil
		}
		firstErr = errors.Join(firstErr, err)
	}
	if version == "" && f.goSection() != nil {
		return f.goFunction(base)
	}
	if firstErr == nil && f.symbolSection(elf.SHT_DYNSYM) == nil && f.symbolSection(elf.SHT_SYMTAB) == nil {
		firstErr = ErrNoSymbols
	}
	return Function{}, false, firstErr
}

// findSymbol looks for base in the symbol table s: with a version for that one,
// else for the default, else for any.
func (f *File) findSymbol(s *section, base, version string) (Function, bool, error) {
	names, err := f.sectionBytesOf(s.link)
	if err != nil {
		return Function{}, false, err
	}
	versions := f.versionsOf(s)
	var fallback, found *Function
	_, err = f.symbols(s, func(i int, sym symbol) bool {
		if !sym.isFunction() || sym.kind == indirect {
			return true
		}
		name := string(cString(names, uint64(sym.name)))
		// The table of all symbols of an executable has the versions in the names.
		name, inName, _ := strings.Cut(name, "@")
		if name != base {
			return true
		}
		has, hidden := versions.of(i)
		if has == "" {
			has, hidden = strings.TrimPrefix(inName, "@"), inName != "" && !strings.HasPrefix(inName, "@")
		}
		fn := &Function{sym.addr, sym.size}
		switch {
		case version != "" && has == version, version == "" && !hidden:
			found = fn
		case version == "" && fallback == nil:
			fallback = fn
		}
		return found == nil
	})
	if found == nil {
		found = fallback
	}
	if found == nil {
		return Function{}, false, err
	}
	return *found, true, err
}

func (f *File) sectionBytesOf(i uint32) ([]byte, error) {
	if int(i) >= len(f.sections) {
		return nil, ErrFormat
	}
	return f.sectionBytes(&f.sections[i], maxTable)
}
