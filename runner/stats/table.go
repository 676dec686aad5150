package stats

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
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

// column gives a member of the struct of R its value. gadgetapi has its type.
type column[R any] struct {
	name string
	put  func(b []byte, row *R)
}

// newTable makes the table of a data source with the chosen members, all when none is
// chosen.
func newTable[R any](name string, all []column[R], chosen []string, read func() ([]R, error)) (*Table, error) {
	row, err := gadgetapi.OperatorSourceNamed(name).Event(chosen)
	if err != nil {
		return nil, err
	}
	columns := make([]column[R], len(row.Members))
	for i, m := range row.Members {
		at := slices.IndexFunc(all, func(c column[R]) bool { return c.name == m.Name })
		if at < 0 {
			return nil, fmt.Errorf("member %q of data source %q has no value", m.Name, name)
		}
		columns[i] = all[at]
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
			c.put(gadgetapi.MemberBytes(row, j, entry), &rows[i])
		}
	}
	return out
}

func put32(b []byte, v uint32) { binary.NativeEndian.PutUint32(b, v) }
func put64(b []byte, v uint64) { binary.NativeEndian.PutUint64(b, v) }

// putText writes s and cuts it where it is too long.
func putText(b []byte, s string) { copy(b[:len(b)-1], s) }

// putFloat writes v with two decimals, more than what it is measured with.
func putFloat(b []byte, v float64) { put64(b, math.Float64bits(math.Round(v*100)/100)) }

// minutes writes a span as minutes, seconds and thousandths: 12:34.567.
func minutes(d time.Duration) string {
	return fmt.Sprintf("%d:%02d.%03d", d/time.Minute, d%time.Minute/time.Second, d%time.Second/time.Millisecond)
}
