package main

import (
	"strings"
	"testing"
	"testing/fstest"
)

// readme is the least that the page of a gadget has.
const readme = "```console\n$ gadget-run run REGISTRY/gadgets/a:v1\nPID\n```\n" +
	"## What it does not see\n\nMuch.\n\n## Requirements\n\nLinux\n"

func TestRender(t *testing.T) {
	tree := fstest.MapFS{
		"gadgets/b/gadget.yaml":   {Data: []byte("name: b\ndescription: Second\n")},
		"gadgets/b/README.md":     {Data: []byte(readme)},
		"gadgets/a/gadget.yaml":   {Data: []byte("name: a\ndescription: First\ndatasources: {y: {}, x: {}}\n")},
		"gadgets/a/README.md":     {Data: []byte(readme)},
		"gadgets/include/other.h": {},
	}
	page, err := render(tree)
	want := "| [a](../gadgets/a/README.md) | First | `x`, `y` |\n| [b](../gadgets/b/README.md) | Second |  |\n"
	if err != nil || !strings.Contains(string(page), want) {
		t.Errorf("%v, %s\nwant in it:\n%s", err, page, want)
	}
	for part, want := range map[string]string{
		"PID\n": "an example", "does not see": "what it does not see", "## Requirements": `a section "## Requirements"`,
	} {
		tree["gadgets/b/README.md"] = &fstest.MapFile{Data: []byte(strings.Replace(readme, part, "", 1))}
		if _, err := render(tree); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a page without %q: %v, want %q in it", part, err, want)
		}
	}
	delete(tree, "gadgets/b/README.md")
	if _, err := render(tree); err == nil {
		t.Error("a gadget without a page was listed")
	}
}
