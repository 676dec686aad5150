package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rules-gadget/rules_gadget/tools/dev/gadgetresults"
)

func TestKernels(t *testing.T) {
	tree := fstest.MapFS{
		"gadgets/a/gadget.yaml":   {Data: []byte("name: a\n")},
		"gadgets/a/program.bpf.c": {Data: []byte("one")},
		"gadgets/b/gadget.yaml":   {Data: []byte("name: b\n")},
	}
	a, err := gadgetresults.Sources(tree, "a")
	if err != nil {
		t.Fatal(err)
	}
	b, err := gadgetresults.Sources(tree, "b")
	if err != nil {
		t.Fatal(err)
	}
	tree[gadgetresults.File] = &fstest.MapFile{Data: []byte(strings.NewReplacer("SA", a, "SB", b).Replace(`{
  "schema": "rules_gadget.gadget-results/v1",
  "releases": {"amd64-newest_btf": "7.3.4-amd64", "amd64-5.10_btf": "5.10.0-amd64", "amd64-5.10_nobtf": "5.10.0-amd64", "arm64-6.1_btf": "6.1.0-arm64"},
  "gadgets": {
    "a": {
      "amd64-newest_btf": {"status": "pass", "sources": "SA", "needs": ["needs a|b"], "programs": {"enter": {"instructions": 600000, "stack": 8}}},
      "amd64-5.10_btf": {"status": "pass", "sources": "SA", "programs": {"enter": {"instructions": 5, "stack": 256}, "leave": {"instructions": 5, "stack": 257}}},
      "amd64-5.10_nobtf": {"status": "skip", "sources": "SA", "needs": ["needs BTF"]},
      "arm64-6.1_btf": {"status": "pass", "sources": "old"}
    },
    "b": {"amd64-5.10_btf": {"status": "fail", "sources": "SB"}}
  }
}`))}
	var page bytes.Buffer
	if err := kernelsPart(&page, tree, []string{"a", "b"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| gadget | amd64 5.10 | amd64 newest | arm64 6.1 |\n",
		"| [a](../gadgets/a/README.md) | ✓ – | ◐ · | ✓* · |\n",
		"| [b](../gadgets/b/README.md) | ✗ · | · | · |\n",
		"The kernels are Debian's: 5.10.0-amd64, 6.1.0-arm64, 7.3.4-amd64.\n",
		"| a | all without BTF | needs BTF |\n",
		"| a | amd64 newest | needs a\\|b |\n",
		"| a | **enter: 600000 (60.0 %)** | amd64 newest | **leave: 257 (50.2 %)** | amd64 5.10 |\n",
		"above half of a limit on some kernel: a (enter, leave).\n",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, page.String())
		}
	}
}
