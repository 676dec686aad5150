package stats

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

// Table is a data source without an eBPF program: a struct, and readings of many
// of them.
type Table struct {
	// Row is the struct of an entry.
	Row *btf.Struct
	// Read returns the entries that exist now, one after the other. What is
	// relative to the last reading is 0 at the first.
	Read func() ([]byte, error)
	io.Closer
}

// column is a member of the struct of R. group is the name by which it is chosen,
// "" for one that is always there.
type column[R any] struct {
	name, group string
	typ         btf.Type
	put         func(b []byte, row *R)
}

// newTable makes the table of the chosen columns, all when none is chosen.
func newTable[R any](name string, all []column[R], chosen []string, read func() ([]R, error)) (*Table, error) {
	var groups []string
	for _, c := range all {
		groups = append(groups, c.group)
	}
	for _, want := range chosen {
		if !slices.Contains(groups, want) {
			return nil, fmt.Errorf("field %q is unknown, %s", want, nearest.Advice(want, slices.Compact(groups)))
		}
	}
	row := &btf.Struct{Name: name}
	var columns []column[R]
	for _, c := range all {
		if c.group != "" && len(chosen) > 0 && !slices.Contains(chosen, c.group) {
			continue
		}
		size, err := btf.Sizeof(c.typ)
		if err != nil {
			return nil, err
		}
		row.Members = append(row.Members, btf.Member{Name: c.name, Type: c.typ, Offset: btf.Bits(8 * row.Size)})
		row.Size += uint32(size)
		columns = append(columns, c)
	}
	return &Table{Row: row, Read: func() ([]byte, error) {
		rows, err := read()
		if err != nil {
			return nil, err
		}
		return encode(row, columns, rows), nil
	}}, nil
}

func encode[R any](row *btf.Struct, columns []column[R], rows []R) []byte {
	out := make([]byte, int(row.Size)*len(rows))
	for i := range rows {
		entry := out[i*int(row.Size):][:row.Size]
		for j, c := range columns {
			c.put(entry[row.Members[j].Offset.Bytes():], &rows[i])
		}
	}
	return out
}

// The types of columns.
var (
	uint32Type = &btf.Int{Name: "unsigned int", Size: 4}
	uint64Type = &btf.Int{Name: "unsigned long", Size: 8}
	int32Type  = &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	int8Type   = &btf.Int{Name: "signed char", Size: 1, Encoding: btf.Signed}
	floatType  = &btf.Float{Name: "double", Size: 8}
)

// special is a type of the gadget API that is a number of 32 or 64 bits.
func special(name string, number btf.Type) btf.Type { return &btf.Typedef{Name: name, Type: number} }

// text is a type for texts of up to n-1 bytes.
func text(n uint32) btf.Type {
	return &btf.Array{Type: &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}, Index: uint32Type, Nelems: n}
}

func put32(b []byte, v uint32) { binary.NativeEndian.PutUint32(b, v) }
func put64(b []byte, v uint64) { binary.NativeEndian.PutUint64(b, v) }

// putText writes s and cuts it where it is too long.
func putText(b []byte, n int, s string) { copy(b[:n-1], s) }

// putFloat writes v with two decimals, more than what it is measured with.
func putFloat(b []byte, v float64) { put64(b, math.Float64bits(math.Round(v*100)/100)) }

// minutes writes a span as minutes, seconds and thousandths: 12:34.567.
func minutes(d time.Duration) string {
	return fmt.Sprintf("%d:%02d.%03d", d/time.Minute, d%time.Minute/time.Second, d%time.Second/time.Millisecond)
}
