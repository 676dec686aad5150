package btf_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
)

// fwd is a forward declaration for withForwards.
type fwd struct {
	name  string
	union uint32 // 1 or 0
}

// withForwards returns BTF as clang writes it: types that refer to forward
// declarations of all kinds, then these, in their order, which is also that of
// the names that nothing else has. The types refer to them by name.
func withForwards(order []fwd) []byte {
	strs := "\x00int\x00file\x00shared\x00f\x00.maps\x00"
	offset := func(name string) uint32 {
		if !strings.Contains(strs, "\x00"+name+"\x00") {
			strs += name + "\x00"
		}
		return uint32(strings.Index(strs, "\x00"+name+"\x00") + 1)
	}
	const first = 11
	id := func(name string, union uint32) uint32 { return first + uint32(slices.Index(order, fwd{name, union})) }
	types := []uint32{
		1, info(btf.Int, 0), 4, 32, // 1
		0, info(btf.Ptr, 0), id("inode", 0), // 2
		0, info(btf.Const, 0), id("both", 1), // 3
		0, info(btf.Array, 0), 0, id("dentry", 0), id("both", 0), 3, // 4
		offset("file"), info(btf.Struct, 2), 16, // 5
		offset("shared"), id("shared", 0), 0, offset("f"), 2, 64,
		0, info(btf.FuncProto, 1), id("inode", 0), offset("f"), id("dentry", 0), // 6
		offset("f"), info(btf.Func, 0), 6, // 7
		offset("shared"), info(btf.Enum, 1), 4, offset("f"), 11, // 8: its value is not an id
		offset(".maps"), info(btf.Datasec, 1), 8, id("both", 1), 11, 8, // 9: offset and size are not ids
		0, info(btf.Ptr, 0), 1, // 10
	}
	for _, f := range order {
		types = append(types, offset(f.name), info(btf.Fwd, 0)|f.union<<31, 0)
	}
	return build(types, strs)
}

func TestOrderForwards(t *testing.T) {
	sorted := []fwd{{"both", 0}, {"both", 1}, {"dentry", 0}, {"inode", 0}, {"shared", 0}}
	want := withForwards(sorted)
	for _, order := range [][]int{{0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {2, 1, 4, 0, 3}, {3, 0, 1, 4, 2}} {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			var shuffled []fwd
			for _, i := range order {
				shuffled = append(shuffled, sorted[i])
			}
			got := withForwards(shuffled)
			v, err := btf.Parse(got)
			if err != nil {
				t.Fatal(err)
			}
			ids, err := v.OrderForwards()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("the bytes differ:\n%x\n%x", got, want)
			}
			for i, from := range order {
				if old := uint32(11 + i); ids[old] != uint32(11+from) {
					t.Errorf("id %d is now %d, want %d", old, ids[old], 11+from)
				}
			}
		})
	}
}

func TestOrderForwardsLeavesTheRest(t *testing.T) {
	for name, data := range map[string][]byte{
		"no types":    build(nil, "\x00"),
		"no forwards": build([]uint32{1, info(btf.Int, 0), 4, 32}, "\x00int\x00"),
		"one that is not at the end": build([]uint32{
			5, info(btf.Fwd, 0), 0, 9, info(btf.Fwd, 0), 0, 1, info(btf.Int, 0), 4, 32,
		}, "\x00int\x00zzz\x00aaa\x00"),
	} {
		before := slices.Clone(data)
		v, err := btf.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.OrderForwards(); err != nil || !bytes.Equal(before, data) {
			t.Errorf("%s: changed, %v", name, err)
		}
	}
	v, err := btf.Parse(build([]uint32{99, info(btf.Fwd, 0), 0}, "\x00"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.OrderForwards(); err == nil {
		t.Error("a name outside the strings: want an error")
	}
}

func FuzzOrderForwards(f *testing.F) {
	f.Add(withForwards([]fwd{{"shared", 0}, {"inode", 0}, {"both", 1}, {"both", 0}, {"dentry", 0}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		data = slices.Clone(data)
		v, err := btf.Parse(data)
		if err != nil {
			return
		}
		if _, err := v.OrderForwards(); err != nil {
			return
		}
		if _, err := btf.Parse(data); err != nil {
			t.Errorf("the BTF is damaged: %v", err)
		}
	})
}
