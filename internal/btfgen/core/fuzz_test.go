package core_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
	"github.com/rules-gadget/rules_gadget/internal/btfgen/core"
)

// seedObjects adds the test objects to a corpus.
func seedObjects(f *testing.F) {
	f.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "testdata", "*.bpf.o"))
	if err != nil || len(paths) == 0 {
		f.Fatal(paths, err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

// FuzzParseObject feeds damaged objects (ELF, .BTF and .BTF.ext). What is
// accepted must be usable.
func FuzzParseObject(f *testing.F) {
	seedObjects(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := core.ParseObject("fuzz", data)
		if err != nil {
			return
		}
		raw := marshal(t, strct("file", 8, member("f_mode", 4, u32)))
		v, err := btf.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		objects := []*core.Object{o}
		kernel, err := core.NewRaw(v, core.RootNames(objects))
		if err != nil {
			t.Fatal(err)
		}
		if res, err := core.Relocate(objects, kernel, false); err == nil && len(res.Status[0]) != len(o.Relocations) {
			t.Error("a relocation has no outcome")
		}
	})
}

// FuzzRelocate feeds damaged kernels. What comes out must be BTF.
func FuzzRelocate(f *testing.F) {
	var objects []*core.Object
	for _, name := range []string{"fields", "types", "matches", "enums"} {
		objects = append(objects, parseObject(f, name+".el.bpf.o"))
	}
	f.Add(marshal(f,
		strct("file", 8, member("f_mode", 4, u32)),
		strct("task_struct", 16, member("pid", 0, s32), member("tasks", 4, strct("list_head", 8))),
	))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := btf.Parse(data)
		if err != nil {
			return
		}
		kernel, err := core.NewRaw(v, core.RootNames(objects))
		if err != nil {
			return
		}
		res, err := core.Relocate(objects, kernel, v.BigEndian())
		if err != nil {
			return
		}
		if _, err := btf.Parse(res.BTF); err != nil {
			t.Errorf("the minimal BTF is damaged: %v", err)
		}
	})
}
