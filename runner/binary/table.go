package binary

import (
	"cmp"
	"iter"
	"slices"
	"sort"
)

// Table is the functions of a file by address. It keeps 16 bytes and the name of
// each. Looking up allocates nothing.
type Table struct {
	entries []entry
	names   []byte // each ends with a NUL
}

// entry is one function; size 0 means up to the next one.
type entry struct {
	addr uint64
	size uint32
	name uint32
}

// Find returns the name of the function at addr, and how far into it addr is;
// nil if none exists. The name is the table's own.
func (t *Table) Find(addr uint64) (name []byte, offset uint64) {
	i := sort.Search(len(t.entries), func(i int) bool { return t.entries[i].addr > addr }) - 1
	if i < 0 {
		return nil, 0
	}
	e := &t.entries[i]
	offset = addr - e.addr
	if e.size != 0 && offset >= uint64(e.size) {
		return nil, 0
	}
	return cString(t.names, uint64(e.name)), offset
}

// All returns the functions by address. The names are the table's own.
func (t *Table) All() iter.Seq2[uint64, []byte] {
	return func(yield func(uint64, []byte) bool) {
		for _, e := range t.entries {
			if !yield(e.addr, cString(t.names, uint64(e.name))) {
				return
			}
		}
	}
}

// Len returns the number of functions.
func (t *Table) Len() int { return len(t.entries) }

// Bytes returns how much memory the table keeps.
func (t *Table) Bytes() int { return 16*cap(t.entries) + cap(t.names) }

// sortEntries sorts the functions and leaves one at every address: of several the
// first with a size, which in a symbol table is rarely an alias.
func (t *Table) sortEntries() {
	slices.SortStableFunc(t.entries, func(a, b entry) int {
		if c := cmp.Compare(a.addr, b.addr); c != 0 {
			return c
		}
		return cmp.Compare(min(b.size, 1), min(a.size, 1))
	})
	t.entries = slices.CompactFunc(t.entries, func(a, b entry) bool { return a.addr == b.addr })
	t.entries = slices.Clip(t.entries)
}
