package shard

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
	"github.com/rules-gadget/rules_gadget/internal/btfgen/core"
)

// TestEveryTypeSurvives compares all named types of the committed kernels, as
// the BTF has them and as the imported form gives them back.
func TestEveryTypeSurvives(t *testing.T) {
	data := file(t)
	f := open(t, data)
	compared := 0
	for k, release := range releases {
		v := kernelBTF(t, release)
		names := essentialNames(t, v)
		raw, err := core.NewRaw(v, names)
		if err != nil {
			t.Fatal(err)
		}
		ts := &types{f: f, kernel: k, run: k + 1}
		for _, name := range names {
			want, got := spellAll(raw, name), spellAll(ts, name)
			if !slices.Equal(want, got) {
				t.Errorf("%s: %q is\n%s\nwant\n%s", release, name, got, want)
			}
			compared += len(want)
		}
		if err := ts.Err(); err != nil {
			t.Fatal(err)
		}
	}
	if compared < 500 {
		t.Errorf("only %d types were compared", compared)
	}
}

func essentialNames(t *testing.T, v *btf.View) []string {
	t.Helper()
	names := map[string]bool{}
	for id := uint32(1); id <= uint32(v.Len()); id++ {
		h := v.Header(id)
		name, err := v.String(h.NameOff)
		if err != nil {
			t.Fatal(err)
		}
		if name != "" && core.RootKind(h.Kind) {
			names[btf.EssentialName(name)] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// spellAll spells out all types of a name.
func spellAll(ts core.Types, name string) []string {
	var out []string
	for _, id := range ts.Find(name) {
		var b bytes.Buffer
		spell(&b, ts, id, 0)
		out = append(out, b.String())
	}
	slices.Sort(out)
	return out
}

// spellDepth is how far spell follows types by name.
const spellDepth = 3

// spell writes everything that is known of a type, in two levels of names.
func spell(b *bytes.Buffer, ts core.Types, id core.ID, depth int) {
	t := ts.Type(id)
	fmt.Fprintf(b, "%s %q %d %v %x", t.Kind, t.Name, t.Size, t.Flag, t.IntData)
	if t.Name != "" {
		depth++
	}
	if depth >= spellDepth {
		return
	}
	b.WriteString("{")
	for _, m := range t.Members {
		fmt.Fprintf(b, "\n%s%s@%d:%d ", strings.Repeat(" ", depth), m.Name, m.Offset, m.Bits)
		spell(b, ts, m.Type, depth)
	}
	for _, v := range t.Values {
		fmt.Fprintf(b, " %s=%d", v.Name, v.Value)
	}
	for _, p := range t.Params {
		b.WriteString(" (")
		spell(b, ts, p, depth+1)
	}
	if t.Elem != 0 {
		b.WriteString(" -> ")
		spell(b, ts, t.Elem, depth+1)
	}
	if t.Index != 0 {
		spell(b, ts, t.Index, depth+1)
	}
	b.WriteString("}")
}
