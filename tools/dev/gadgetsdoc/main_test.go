package main

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestRender(t *testing.T) {
	tree := fstest.MapFS{
		"gadgets/b/gadget.yaml":   {Data: []byte("name: b\ndescription: Second\n")},
		"gadgets/b/README.md":     {},
		"gadgets/a/gadget.yaml":   {Data: []byte("name: a\ndescription: First\ndatasources: {y: {}, x: {}}\n")},
		"gadgets/a/README.md":     {},
		"gadgets/include/other.h": {},
	}
	page, err := render(tree)
	want := "| [a](../gadgets/a/README.md) | First | `x`, `y` |\n| [b](../gadgets/b/README.md) | Second |  |\n"
	if err != nil || !strings.Contains(string(page), want) {
		t.Errorf("%v, %s\nwant in it:\n%s", err, page, want)
	}
	delete(tree, "gadgets/b/README.md")
	if _, err := render(tree); err == nil {
		t.Error("a gadget without a page was listed")
	}
}
