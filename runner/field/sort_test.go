package field

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// row is an entry with a value of every kind; its letter names it.
type row struct {
	Letter [4]byte
	Int    int32
	Uint   uint64
	Float  float64
	Bool   bool
	_      [3]byte
	Errno  uint32
}

func rowType() *btf.Struct {
	return pack("row", 32,
		member("letter", 0, &btf.Array{Type: char, Nelems: 4}),
		member("int", 4, signedInt(4)),
		member("uint", 8, u64),
		member("float", 16, &btf.Float{Name: "double", Size: 8}),
		member("bool", 24, &btf.Int{Name: "_Bool", Size: 1, Encoding: btf.Bool}),
		member("error_raw", 28, typedef(gadgetapi.TypeErrno, u32)),
	)
}

func rows(t *testing.T) [][]byte {
	t.Helper()
	var out [][]byte
	for _, r := range []row{
		{Letter: [4]byte{'a'}, Int: 5, Uint: 1 << 63, Float: 0.5, Bool: true, Errno: 2},
		{Letter: [4]byte{'b'}, Int: -5, Uint: 7, Float: -2.5, Errno: 13},
		{Letter: [4]byte{'c'}, Int: 0, Uint: 7, Float: 1e9, Bool: true},
		{Letter: [4]byte{'d'}, Int: math.MinInt32, Uint: 0, Float: 0, Errno: 1},
	} {
		data, err := binary.Append(nil, binary.NativeEndian, r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, data)
	}
	return out
}

// TestSortEveryKind sorts numbers by value and the rest as text; equal entries stay
// in their order.
func TestSortEveryKind(t *testing.T) {
	src := build(t, rowType(), Options{})
	for spec, want := range map[string]string{
		"int": "dbca", "-int": "acbd", "uint": "dbca", "-uint": "abcd", "float": "bdac", "bool": "bdac", "-bool": "acbd",
		"letter": "abcd", "-letter": "dcba", "error": "cbad", "error_raw": "cdab", "-bool,-float": "cadb",
		" -uint , -letter ": "acbd", "UINT,int": "dbca",
	} {
		sort, err := Sorter(src, spec)
		if err != nil {
			t.Errorf("sorting by %q: %v", spec, err)
			continue
		}
		samples, got := rows(t), ""
		sort(samples)
		for _, s := range samples {
			got += string(s[0])
		}
		if got != want {
			t.Errorf("sorted by %q: %s, want %s", spec, got, want)
		}
	}
}

// TestSortRefuses holds that errors have the wrong name and the valid ones.
func TestSortRefuses(t *testing.T) {
	inner := pack("inner", 8, member("pid", 0, u32), member("tid", 4, u32))
	src := build(t, pack("event", 16, member("proc", 0, inner), member("count", 8, u32)), Options{})
	for spec, want := range map[string]string{
		"count,cuont": `sorting: data source "x" has no field "cuont", did you mean "count"?`,
		"nothing":     `sorting: data source "x" has no field "nothing", known are count, proc, proc.pid, proc.tid`,
		"proc": `sorting: field "proc" of data source "x" has no value of its own, ` +
			`name one of its fields: proc.pid, proc.tid`,
		"count,": `sorting: data source "x" has no field "", known are count, proc, proc.pid, proc.tid`,
	} {
		if _, err := Sorter(src, spec); err == nil || err.Error() != want {
			t.Errorf("sorting by %q: got %v, want %s", spec, err, want)
		}
	}
	if sort, err := Sorter(src, "  "); sort != nil || err != nil {
		t.Errorf("nothing to sort by: got something that sorts, or %v", err)
	}
}
