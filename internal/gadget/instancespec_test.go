package gadget_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

const goodInstance = `# The opens of bash.
apiVersion: 1
kind: instance-spec
image: trace_open:v1
name: my-gadget-1
tags: [a, b]
nodes:
  - n1
paramValues:
  operator.LocalManager.host: true
  operator.limiter.max-entries: 5
  operator.filter.filter: 'proc.comm~^ba.*$'
---
---
apiVersion: 1
kind: instance-spec
image: trace_exec
id: 0123456789abcdef0123456789abcdef
`

func TestParseInstanceSpecs(t *testing.T) {
	got, problems := gadget.ParseInstanceSpecs([]byte(goodInstance), "m.yaml")
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	want := []gadget.InstanceSpec{
		{
			Line: 2, Image: "trace_open:v1", Name: "my-gadget-1", Tags: []string{"a", "b"}, Nodes: []string{"n1"},
			ParamValues: []gadget.ParamValue{
				{Line: 10, Key: "operator.LocalManager.host", Value: "true"},
				{Line: 11, Key: "operator.limiter.max-entries", Value: "5"},
				{Line: 12, Key: "operator.filter.filter", Value: "proc.comm~^ba.*$"},
			},
		},
		{Line: 15, Image: "trace_exec", ID: "0123456789abcdef0123456789abcdef"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("specifications (-want +got):\n%s", diff)
	}
}

func TestInstanceSpecProblems(t *testing.T) {
	const head = "apiVersion: 1\nkind: instance-spec\n"
	for name, tc := range map[string]struct{ text, want string }{
		"empty":         {"", "m: the file has no document"},
		"only comments": {"# x\n---\n", "m: the file has no document"},
		"no YAML":       {head + "image: [\n", "m:3: no valid YAML"},
		"a list":        {"- a\n", "m:1: the instance specification is a list, want a mapping"},
		"unknown key": {
			head + "image: a\nparamvalue: {}\n", `m:4: unknown key "paramvalue" in the instance specification, did you mean "paramValues"?`,
		},
		"key twice":       {head + "image: a\nimage: b\n", `"image" twice`},
		"version":         {"apiVersion: 2\nkind: instance-spec\nimage: a\n", `apiVersion "2", want 1`},
		"kind":            {"apiVersion: 1\nkind: Pod\nimage: a\n", `kind "Pod", want "instance-spec"`},
		"no image":        {head, `no image, name the gadget`},
		"second document": {head + "image: a\n---\n" + head, `m:5: the instance specification has no image`},
		"parameter a list": {
			head + "image: a\nparamValues:\n  operator.cli.fields: [a]\n", `m:5: the parameter "operator.cli.fields" is a list`,
		},
		"id":        {head + "image: a\nid: x\n", "32 hexadecimal digits"},
		"name":      {head + "image: a\nname: A B\n", "at most 32 of a-z"},
		"tag":       {head + "image: a\ntags: ['a,b']\n", "has a comma"},
		"too large": {head + "image: a\n#" + strings.Repeat("x", gadget.MaxInstanceSpecs), "at most 1048576 are read"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := gadget.ParseInstanceSpecs([]byte(tc.text), "m")
			if err := problems.Err(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func FuzzParseInstanceSpecs(f *testing.F) {
	f.Add([]byte(goodInstance))
	f.Add([]byte("a: &a [*a]\n--- *a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		specs, problems := gadget.ParseInstanceSpecs(data, "m")
		if problems.Err() != nil {
			return
		}
		for _, s := range specs {
			if s.Image == "" {
				t.Errorf("%+v was accepted", s)
			}
		}
	})
}
