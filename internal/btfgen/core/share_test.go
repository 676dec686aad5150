package core

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	cbtf "github.com/cilium/ebpf/btf"
)

// readTestObject parses one of the objects of btfgen's tests.
func readTestObject(t *testing.T, name string) *Object {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	o, err := ParseObject(name, data)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Workers share objects: matching with a kernel's types must leave them as they are.
func TestRelocateDoesNotChangeObjects(t *testing.T) {
	objects := []*Object{readTestObject(t, "matches.el.bpf.o"), readTestObject(t, "types.el.bpf.o"), {Name: "empty"}}
	kernel := func() *Raw {
		// The local types are used as a kernel's: all relocations match, to their full depth.
		k, err := NewRaw(objects[0].local.view, RootNames(objects))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	nodes, symbols := slices.Clone(objects[0].local.nodes), maps.Clone(objects[0].local.symbols)
	want, err := Relocate(objects, kernel(), false)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(nodes, objects[0].local.nodes) || !maps.Equal(symbols, objects[0].local.symbols) {
		t.Error("matching has changed the object's types")
	}
	var wg sync.WaitGroup
	for range 8 {
		k := kernel()
		wg.Go(func() {
			for range 20 {
				got, err := Relocate(objects, k, false)
				if err != nil || !bytes.Equal(got.BTF, want.BTF) {
					t.Errorf("another result when shared with others: %v", err)
				}
			}
		})
	}
	wg.Wait()
}

func TestForkDecodesForItself(t *testing.T) {
	r, ids := load(t, tStruct("a", cbtf.Member{Name: "m", Type: tPtr(tStruct("b"))}))
	f := r.fork()
	before := len(r.nodes)
	member := f.Type(ids[0]).Members[0].Type
	if f.Type(f.Type(member).Elem).Name != "b" {
		t.Error("the fork does not know the types")
	}
	if len(r.nodes) != before {
		t.Error("the fork has changed its origin")
	}
}
