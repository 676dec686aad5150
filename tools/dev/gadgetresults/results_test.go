package gadgetresults

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func workspace() fstest.MapFS {
	return fstest.MapFS{
		"gadgets/trace_tcp/gadget.yaml":        {},
		"gadgets/trace_tcp/program.bpf.c":      {Data: []byte("#include <vmlinux.h>\n#include <gadget/a.h>\n")},
		"gadgets/trace_tcpdrop/gadget.yaml":    {},
		"gadgets/trace_tcpdrop/program.bpf.c":  {},
		"gadgets/top_process/gadget.yaml":      {Data: []byte("name: top process")},
		"gadgets/include/gadget/a.h":           {Data: []byte("#include <gadget/b.h>\n")},
		"gadgets/include/gadget/b.h":           {},
		"gadgets/include/gadget/c.h":           {},
		"gadgets/trace_tcp/README.md":          {},
		"gadgets/trace_tcp/assets/program.txt": {},
	}
}

func TestCode(t *testing.T) {
	for _, c := range []struct{ a, b string }{
		{"int x; // one", "int   x;\n\n"},
		{"/* one\n * two */\nint x;", "\tint x;"},
		{"char *a = \"/* no */\"; /* yes */", "char *a = \"/* no */\";"},
		{"char q = '\"'; // \"\n", "char q = '\"';"},
	} {
		if a, b := string(code([]byte(c.a))), string(code([]byte(c.b))); a != b || a == "" {
			t.Errorf("%q is not the same as %q", a, b)
		}
	}
	for _, c := range []struct{ a, b string }{
		{"int x;", "int y;"},
		{`char *a = "//one";`, `char *a = "//two";`},
		{"a /b; //", "a b; //"},
	} {
		if a := string(code([]byte(c.a))); a == string(code([]byte(c.b))) {
			t.Errorf("%q is that of %q, too", a, c.b)
		}
	}
}

func TestSources(t *testing.T) {
	for _, c := range []struct {
		changed string
		want    []string // gadgets that are another with it
	}{
		{"gadgets/trace_tcp/program.bpf.c", []string{"trace_tcp"}},
		{"gadgets/trace_tcp/program.go", []string{"trace_tcp"}},
		{"gadgets/trace_tcp/build.yaml", []string{"trace_tcp"}},
		{"gadgets/trace_tcp/README.md", nil},
		{"gadgets/trace_tcp/gadget.yaml", nil},
		{"gadgets/include/gadget/b.h", []string{"trace_tcp"}},
		{"gadgets/include/gadget/c.h", nil},
		{"gadgets/top_process/gadget.yaml", []string{"top_process"}},
	} {
		t.Run(c.changed, func(t *testing.T) {
			before, after := workspace(), workspace()
			after[c.changed] = &fstest.MapFile{Data: []byte("changed")}
			names, err := Gadgets(before)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, name := range names {
				one, err := Sources(before, name)
				if err != nil {
					t.Fatal(err)
				}
				two, err := Sources(after, name)
				if err != nil {
					t.Fatal(err)
				}
				if one != two {
					got = append(got, name)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("gadgets (-want +got):\n%s", diff)
			}
		})
	}
}

const run = `{
  "name": "@@//gadgets:MACHINE", "status": "fail", "machine": {"release": "6.12.1"}, "tests": [
    {"name": "TestTraceTCP", "status": "pass"},
    {"name": "TestTraceTCP/v4", "status": "pass", "verified": [
      {"gadget": "trace_tcp", "program": "enter", "instructions": 10, "stack": 64},
      {"gadget": "trace_tcp", "program": "enter", "instructions": 7, "stack": 80},
      {"gadget": "trace_open", "program": "enter", "instructions": 5, "stack": 8}]},
    {"name": "TestTraceTCP/v6", "status": "skip", "text": "needs.go:5: needs IPv6\n"},
    {"name": "TestTraceTCPDrop", "status": "skip", "text": "needs.go:9: needs BTF (a word)\nneeds.go:9: a word\n"},
    {"name": "TestTopProcess", "status": "fail", "text": "x_test.go:1: needs more\n"},
    {"name": "TestOther", "status": "fail"}
  ]}`

func TestRecord(t *testing.T) {
	tree := workspace()
	r, err := Load(tree)
	if err != nil {
		t.Fatal(err)
	}
	r.Gadgets["gone"] = map[string]Result{}
	for _, machine := range Always {
		if err := r.Record(tree, []byte(strings.Replace(run, "MACHINE", machine, 1))); err != nil {
			t.Fatal(err)
		}
	}
	data, err := r.encode()
	if err != nil {
		t.Fatal(err)
	}
	tree[File] = &fstest.MapFile{Data: data}
	if r, err = Load(tree); err != nil {
		t.Fatal(err)
	}
	got := map[string]Result{}
	for name, machines := range r.Gadgets {
		one := machines[Always[0]]
		one.Sources = ""
		got[name] = one
	}
	want := map[string]Result{
		"trace_tcp":     {Status: Pass, Needs: []string{"needs IPv6"}, Programs: map[string]Usage{"enter": {10, 80}}},
		"trace_tcpdrop": {Status: Skip, Needs: []string{"needs BTF (a word)"}},
		"top_process":   {Status: Fail},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if outdated, err := r.Outdated(tree); err != nil || len(outdated) > 0 {
		t.Errorf("outdated: %q, %v, want none", outdated, err)
	}
	tree["gadgets/trace_tcp/program.bpf.c"] = &fstest.MapFile{}
	tree["gadgets/new/gadget.yaml"] = &fstest.MapFile{}
	outdated, err := r.Outdated(tree)
	if diff := cmp.Diff([]string{"new", "trace_tcp"}, outdated); diff != "" || err != nil {
		t.Errorf("outdated: %v (-want +got):\n%s", err, diff)
	}
}

func TestRecordRefuses(t *testing.T) {
	for _, c := range []struct{ data, err string }{
		{"x", "invalid"},
		{strings.Replace(run, "MACHINE", "kernel", 1), `"kernel" is not the name of a machine`},
		{`{"name": "amd64-6.1_btf", "reason": "needs QEMU"}`, "ran no tests: needs QEMU"},
	} {
		r, err := Load(workspace())
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Record(workspace(), []byte(c.data)); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("error %v, want %q", err, c.err)
		}
	}
	for _, data := range []string{
		"x", `{"schema": "y"}`, `{"schema": "` + schema + `", "gadgets": {"x": {"y": {}}}}`,
		`{"more": 1}`,
	} {
		if r, err := Load(fstest.MapFS{File: {Data: []byte(data)}}); err == nil {
			t.Errorf("%s gives %+v, want an error", data, r)
		}
	}
}

func TestFilter(t *testing.T) {
	filter := regexp.MustCompile(Filter([]string{"trace_tcp", "top_blockio"}))
	for name, want := range map[string]bool{"TestTraceTCP": true, "TestTopBlockIOAttaches": true, "TestTraceOpen": false} {
		if filter.MatchString(name) != want {
			t.Errorf("%s matches %s: %t, want %t", filter, name, !want, want)
		}
	}
}

// TestAlways compares the machines of every change with those of the rules.
func TestAlways(t *testing.T) {
	data, err := os.ReadFile(filepath.FromSlash("../../kerneltest/tests/matrix.bzl"))
	if err != nil {
		t.Fatal(err)
	}
	if want := `_ALWAYS = ["` + strings.Join(Always, `", "`) + `"]`; !strings.Contains(string(data), want) {
		t.Errorf("matrix.bzl does not have %s", want)
	}
}
