package bundle

import (
	"archive/tar"
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const triplet = "x86_64-linux-gnu"

// fakeTree is a program with a library that is a link, a library of its own directory, and the loader that is a link of
// Debian's merged /usr.
func fakeTree() Tree {
	return Tree{
		"usr/bin/prog": {
			Package: "prog", Needed: []string{"liba.so.1", "libc.so.6"}, Interpreter: "lib64/ld-linux.so.2",
		},
		"usr/bin/tool":                            {Package: "prog", Target: "usr/bin/prog"},
		"usr/bin/unused":                          {Package: "prog", Needed: []string{"libgone.so.1"}},
		"usr/share/prog/one":                      {Package: "data"},
		"usr/share/prog/two":                      {Package: "data"},
		"usr/lib/x86_64-linux-gnu/liba.so.1":      {Package: "liba", Target: "usr/lib/x86_64-linux-gnu/liba.so.1.2"},
		"usr/lib/x86_64-linux-gnu/liba.so.1.2":    {Package: "liba", Needed: []string{"libb.so.1", "libc.so.6"}},
		"usr/lib/private/libb.so.1":               {Package: "libb"},
		"lib/x86_64-linux-gnu/libc.so.6":          {Package: "libc", Needed: []string{"ld-linux.so.2"}},
		"lib/x86_64-linux-gnu/ld-linux.so.2":      {Package: "libc"},
		"lib64/ld-linux.so.2":                     {Package: "libc", Target: "lib/x86_64-linux-gnu/ld-linux.so.2"},
		"usr/lib/x86_64-linux-gnu/libunused.so.1": {Package: "libunused"},
	}
}

func TestSelect(t *testing.T) {
	kept, err := fakeTree().Select(Needs{
		Programs: []string{"usr/bin/tool"}, Keep: []string{"usr/share/prog/"}, Triplet: triplet,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Kept{
		Loader: "lib/x86_64-linux-gnu/ld-linux.so.2",
		Files: map[string][]string{
			"prog": {"usr/bin/prog", "usr/bin/tool"},
			"data": {"usr/share/prog/"},
			"liba": {"usr/lib/x86_64-linux-gnu/liba.so.1", "usr/lib/x86_64-linux-gnu/liba.so.1.2"},
			"libb": {"usr/lib/private/libb.so.1"},
			"libc": {"lib/x86_64-linux-gnu/ld-linux.so.2", "lib/x86_64-linux-gnu/libc.so.6"},
		},
	}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

func TestSelectStatic(t *testing.T) {
	kept, err := Tree{"usr/bin/static": {Package: "static"}}.Select(Needs{
		Programs: []string{"usr/bin/static"}, Triplet: triplet,
	})
	if err != nil || kept.Loader != "" {
		t.Errorf("loader %q, %v for a static program", kept.Loader, err)
	}
}

func TestSelectAlone(t *testing.T) {
	kept, err := fakeTree().Select(Needs{Programs: []string{"usr/bin/unused"}, Triplet: triplet, Alone: true})
	if err != nil {
		t.Fatal(err)
	}
	want := Kept{Files: map[string][]string{"prog": {"usr/bin/unused"}}}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

func TestSelectMergedUsr(t *testing.T) {
	tree := Tree{
		"lib":             {Package: "base", Target: "usr/lib"},
		"usr/lib/ld.so":   {Package: "libc"},
		"usr/bin/prog":    {Package: "prog", Interpreter: "lib/ld.so"},
		"usr/bin/other":   {Package: "prog", Interpreter: "lib64/ld.so"},
		"usr/lib64/ld.so": {Package: "libc"},
	}
	for program, want := range map[string]string{"usr/bin/prog": "usr/lib/ld.so", "usr/bin/other": "usr/lib64/ld.so"} {
		kept, err := tree.Select(Needs{Programs: []string{program}, Triplet: triplet})
		if err != nil || kept.Loader != want {
			t.Errorf("loader of %q is %q, %v, want %q", program, kept.Loader, err, want)
		}
	}
}

func TestSelectErrors(t *testing.T) {
	tree := fakeTree()
	tree["usr/bin/loop"] = Node{Package: "prog", Target: "usr/bin/loop"}
	tree["usr/bin/foreign"] = Node{Package: "prog", Interpreter: "usr/bin/prog"}
	tree["usr/share/prog/three"] = Node{Package: "more"}
	tests := map[string]struct {
		needs Needs
		want  string
	}{
		"missing program": {Needs{Programs: []string{"usr/bin/none"}}, `no package has "usr/bin/none"`},
		"missing library": {
			Needs{Programs: []string{"usr/bin/unused"}}, `no package has library "libgone.so.1", which "usr/bin/unused" needs`,
		},
		"loop":              {Needs{Programs: []string{"usr/bin/loop"}}, "too many symbolic links"},
		"two loaders":       {Needs{Programs: []string{"usr/bin/prog", "usr/bin/foreign"}}, "two dynamic loaders"},
		"missing directory": {Needs{Keep: []string{"usr/none/"}}, "is in 0 packages"},
		"shared directory":  {Needs{Keep: []string{"usr/share/prog/"}}, "is in 2 packages"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.needs.Triplet = triplet
			if _, err := tree.Select(test.needs); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestAdd(t *testing.T) {
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	tree := Tree{}
	for _, entry := range []struct {
		header  tar.Header
		content []byte
	}{
		{tar.Header{Name: "./usr/bin/prog", Typeflag: tar.TypeReg}, program},
		{tar.Header{Name: "./usr/bin/", Typeflag: tar.TypeDir}, nil},
		{tar.Header{Name: "./usr/bin/script", Typeflag: tar.TypeReg}, []byte("#!/bin/sh\n")},
		{tar.Header{Name: "./usr/bin/empty", Typeflag: tar.TypeReg}, nil},
		{tar.Header{Name: "./usr/bin/broken", Typeflag: tar.TypeReg}, []byte("\x7fELF and no more")},
		{tar.Header{Name: "./usr/bin/relative", Typeflag: tar.TypeSymlink, Linkname: "../lib/x"}, nil},
		{tar.Header{Name: "./usr/bin/absolute", Typeflag: tar.TypeSymlink, Linkname: "/lib/x"}, nil},
		{tar.Header{Name: "./usr/bin/escaping", Typeflag: tar.TypeSymlink, Linkname: "../../../../x"}, nil},
	} {
		if err := tree.Add("p", &entry.header, bytes.NewReader(entry.content)); err != nil {
			t.Fatal(err)
		}
	}
	want := Tree{
		"usr/bin/script":   {Package: "p"},
		"usr/bin/empty":    {Package: "p"},
		"usr/bin/broken":   {Package: "p"},
		"usr/bin/relative": {Package: "p", Target: "usr/lib/x"},
		"usr/bin/absolute": {Package: "p", Target: "lib/x"},
		"usr/bin/escaping": {Package: "p", Target: "x"},
	}
	got := Tree{}
	for name, node := range tree {
		if name != "usr/bin/prog" {
			got[name] = node
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
	if tree["usr/bin/prog"].Package != "p" {
		t.Error("the program is missing")
	}
}

func FuzzAdd(f *testing.F) {
	f.Add([]byte("\x7fELF"))
	f.Add([]byte("text"))
	if program, err := os.ReadFile("/proc/self/exe"); err == nil {
		f.Add(program[:4096])
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		tree := Tree{}
		if err := tree.Add("p", &tar.Header{Name: "x", Typeflag: tar.TypeReg}, bytes.NewReader(content)); err != nil {
			t.Errorf("Add: %v", err)
		}
	})
}
