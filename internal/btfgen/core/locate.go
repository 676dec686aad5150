package core

import (
	"cmp"
	"debug/elf"
	"fmt"
	"slices"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
)

// insnLen is the length of a BPF instruction.
const insnLen = 8

// locator says in which function and source line an instruction is.
type locator struct {
	view  *btf.View
	funcs map[string][]function // by section name, in order
	lines map[uint32][]lineRecord

	callers map[function][]function
}

// function is a symbol of type FUNC; its name is empty if none exists.
type function struct {
	start   uint64
	name    string
	section string
}

// newLocator reads the symbol table; an object without one has no functions.
func newLocator(f *elf.File, view *btf.View, lines []lineRecord) *locator {
	l := &locator{
		view: view, funcs: map[string][]function{}, lines: map[uint32][]lineRecord{}, callers: map[function][]function{},
	}
	symbols, _ := f.Symbols()
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && int(s.Section) < len(f.Sections) {
			section := f.Sections[s.Section].Name
			l.funcs[section] = append(l.funcs[section], function{s.Value, s.Name, section})
		}
	}
	for _, list := range l.funcs {
		slices.SortStableFunc(list, func(a, b function) int { return cmp.Compare(a.start, b.start) })
	}
	for _, r := range lines {
		l.lines[r.section] = append(l.lines[r.section], r)
	}
	for _, list := range l.lines {
		slices.SortStableFunc(list, func(a, b lineRecord) int { return cmp.Compare(a.insn, b.insn) })
	}
	l.calls(f, symbols)
	return l
}

// program returns the function that an instruction is in.
func (l *locator) program(rec record) (function, error) {
	section, err := l.view.String(rec.section)
	if err != nil {
		return function{}, fmt.Errorf("section name: %w", err)
	}
	return l.function(section, uint64(rec.insn)), nil
}

// function returns the function at an offset in a section; it has no name
// where no symbol is.
func (l *locator) function(section string, off uint64) function {
	list := l.funcs[section]
	n, _ := slices.BinarySearchFunc(list, off+1, func(f function, off uint64) int {
		return cmp.Compare(f.start, off)
	})
	if n == 0 {
		return function{section: section}
	}
	return list[n-1]
}

// place fills in where r first occurs, which is at rec, in f.
func (l *locator) place(r *Relocation, rec record, f function) {
	r.Section, r.Program = f.section, f.name
	r.Insn = int((uint64(rec.insn) - f.start) / insnLen)
	lines := l.lines[rec.section]
	n, _ := slices.BinarySearchFunc(lines, rec.insn+1, func(x lineRecord, insn uint32) int {
		return cmp.Compare(x.insn, insn)
	})
	if n > 0 {
		line := lines[n-1]
		if file, err := l.view.String(line.fileOff); err == nil && file != "" {
			r.Source = fmt.Sprintf("%s:%d", file, line.line)
		}
	}
}
