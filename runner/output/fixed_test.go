package output

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/runner/field"
)

func TestClearedScreen(t *testing.T) {
	src := source(t, nil)
	src.Array = true
	for _, clear := range []bool{false, true} {
		enc, err := New(src, Options{Mode: Columns, Fields: "count", Clear: clear})
		if err != nil {
			t.Fatal(err)
		}
		want := "COUNT\n7\n"
		if clear {
			want = emptyScreen + want
		}
		for range 2 {
			if got := string(enc.Array(nil, [][]byte{sample("x")})); got != want {
				t.Errorf("clear %t: got %q, want %q", clear, got, want)
			}
		}
	}
}

// What never changes is written as what does.
func TestConstantFields(t *testing.T) {
	ns := &btf.Typedef{Name: "gadget_mntns_id", Type: &btf.Int{Name: "unsigned long long", Size: 8}}
	typ := &btf.Struct{Name: "event", Size: 8, Members: []btf.Member{{Name: "mntns_id", Type: ns}}}
	nothing := func() func(uint64, uint64) *field.Container {
		return func(uint64, uint64) *field.Container { return nil }
	}
	for _, mode := range []Mode{JSON, JSONPretty, YAML, Columns} {
		var texts [2]string
		for i, finder := range []func() func(uint64, uint64) *field.Container{nil, nothing} {
			src, err := field.Build(typ, field.Options{Name: "x", Env: field.Env{
				Containers: &field.Containers{Finder: finder, Node: `a "b"`, Show: true},
			}})
			if err != nil {
				t.Fatal(err)
			}
			if constant := src.Lookup("k8s.node").Constant; constant != (finder == nil) {
				t.Errorf("constant %t without runtimes %t", constant, finder == nil)
			}
			texts[i] = encode(t, src, Options{Mode: mode}, make([]byte, 8))
		}
		if texts[0] != texts[1] || mode != Columns && !strings.Contains(texts[0], `"a \"b\""`) {
			t.Errorf("%s: got %q and %q, want the same", mode, texts[0], texts[1])
		}
	}
}
