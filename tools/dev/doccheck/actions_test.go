package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestActions(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("tool", 0o755); err != nil {
		t.Fatal(err)
	}
	declared := func() ([]string, error) { return []string{"Compile", "Link"}, nil }
	const page = "| mnemonic | tool | reads |\n|---|---|---|\n| `Compile` | `tool` | `x` |\n| `Strip` | `no/such` | |\n\n" +
		"| key | value |\n|---|---|\n| `a` | `b` |\n"
	want := []string{`4: the tool "no/such" does not exist`, "4: no rule declares the action Strip", "4: the table lacks the action Link"}
	if diff := cmp.Diff(want, checkActions(page, declared)); diff != "" {
		t.Error(diff)
	}
	if found := checkActions("| key |\n|---|\n| `a` |\n", declared); len(found) > 0 {
		t.Errorf("a page without the table: %q", found)
	}
}
