package core

import (
	"debug/elf"
	"encoding/binary"
	"slices"
)

const (
	relLen    = 16 // of an ELF64 relocation without addend
	relocCall = 10 // R_BPF_64_32, a call of another function
	textName  = ".text"
	immOffset = 4 // of the immediate in an instruction

	opCall     = 0x85       // the instruction that calls
	pseudoCall = 1          // its source register when it calls a BPF function
	unresolved = 0xffffffff // its immediate when a relocation says what it calls
)

// calls finds who calls the functions in .text, which are not programs but
// parts of them. Damage in the object only makes it find less.
func (l *locator) calls(f *elf.File, symbols []elf.Symbol) {
	for _, s := range f.Sections {
		if s.Type == elf.SHT_REL && int(s.Info) < len(f.Sections) {
			l.relocatedCalls(f, s, symbols)
		}
	}
	if text := f.Section(textName); text != nil {
		l.localCalls(f, text)
	}
}

// relocatedCalls reads the calls that a relocation section is about.
func (l *locator) relocatedCalls(f *elf.File, rel *elf.Section, symbols []elf.Symbol) {
	from := f.Sections[rel.Info]
	data, err := rel.Data()
	if err != nil {
		return
	}
	code, err := from.Data()
	if err != nil {
		return
	}
	for ; len(data) >= relLen; data = data[relLen:] {
		off, info := f.ByteOrder.Uint64(data), f.ByteOrder.Uint64(data[8:])
		n := int(info>>32) - 1 // the list of symbols leaves out the first
		if info&0xffffffff != relocCall || n < 0 || n >= len(symbols) || off >= uint64(len(code)) ||
			len(code)-int(off) < insnLen {
			continue
		}
		sym := symbols[n]
		if int(sym.Section) >= len(f.Sections) || f.Sections[sym.Section].Name != textName {
			continue
		}
		to := sym.Value
		if elf.ST_TYPE(sym.Info) == elf.STT_SECTION {
			to = target(f, code[off:], 0)
		}
		l.call(l.function(from.Name, off), to)
	}
}

// localCalls finds calls from .text to .text that need no relocation.
func (l *locator) localCalls(f *elf.File, text *elf.Section) {
	code, err := text.Data()
	if err != nil {
		return
	}
	registers := byte(pseudoCall << 4) // the source register is the high half
	if f.ByteOrder == binary.BigEndian {
		registers = pseudoCall
	}
	for off := 0; off+insnLen <= len(code); off += insnLen {
		if insn := code[off:]; insn[0] == opCall && insn[1] == registers &&
			f.ByteOrder.Uint32(insn[immOffset:]) != unresolved {
			l.call(l.function(textName, uint64(off)), target(f, insn, off))
		}
	}
}

// target returns where a call leads, from an instruction at an offset.
func target(f *elf.File, insn []byte, off int) uint64 {
	imm := int64(int32(f.ByteOrder.Uint32(insn[immOffset:])))
	return uint64(int64(off) + (imm+1)*insnLen)
}

// call notes that a function calls the one at an offset in .text.
func (l *locator) call(caller function, to uint64) {
	callee := l.function(textName, to)
	if !slices.Contains(l.callers[callee], caller) {
		l.callers[callee] = append(l.callers[callee], caller)
	}
}

// programs returns the names of the programs that a function is part of: its
// own, or for a function in .text those of all that call it.
func (l *locator) programs(f function) []string {
	var out []string
	seen := map[function]bool{}
	var visit func(f function)
	visit = func(f function) {
		if seen[f] {
			return
		}
		seen[f] = true
		for _, caller := range l.callers[f] {
			visit(caller)
		}
		if (f.section != textName || len(l.callers[f]) == 0) && !slices.Contains(out, f.name) {
			out = append(out, f.name)
		}
	}
	visit(f)
	return out
}
