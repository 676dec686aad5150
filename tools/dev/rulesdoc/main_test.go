package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const want = "# Rules\n\n<!-- Written by tools/dev/rulesdoc from the docstrings in rules/. -->\n\nWhat users " +
	"loads.\n\n" +
	"Load them from `@rules_gadget//rules:defs.bzl`.\n" +
	"\n## thing\n\nMakes a thing.\n\n| attribute | type | meaning |\n|---|---|---|\n" +
	"| `size` | int, default `3` | How large it is. |\n| `src` | label, mandatory | Its source. |\n" +
	"\n## things\n\nMakes several.\n\n| argument |  | meaning |\n|---|---|---|\n" +
	"| `name` |  | prefix of their names. |\n| `count` | , default `2` | how many. |\n" +
	"\n## Info\n\nWhat a thing says.\n\n| field | type | meaning |\n|---|---|---|\n| `size` | int | how large \\| small it is. |\n"

func TestRender(t *testing.T) {
	got, err := render("testdata", "rules/defs.bzl")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.ReplaceAll(want, "| , default", "| default"), string(got)); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
}

func TestRefusesUndocumentedNames(t *testing.T) {
	for name, text := range map[string]string{
		"an attribute": `x = rule(implementation = None, doc = "X.", attrs = {"a": attr.int()})`,
		"a rule":       `x = rule(implementation = None)`,
		"a macro":      "def f():\n    pass\n\nx = f",
		"a missing file": `load(":missing.bzl", "y")
x = y`,
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			if err := os.Mkdir(filepath.Join(root, "rules"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(root, "rules", "defs.bzl"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if page, err := render(root, "rules/defs.bzl"); err == nil {
				t.Errorf("got a page, want an error:\n%s", page)
			}
		})
	}
}
