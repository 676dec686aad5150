package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestActions(t *testing.T) {
	declared := func() ([]string, error) { return []string{"Compile", "Link"}, nil }
	const page = "| mnemonic | tool | reads |\n|---|---|---|\n| `Compile` | `main.go` | `x` |\n| `Strip` | `no/such` | |\n\n" +
		"| key | value |\n|---|---|\n| `a` | `b` |\n"
	want := []string{`4: there is no tool "no/such"`, "4: no rule declares the action Strip", "4: the table lacks the action Link"}
	if diff := cmp.Diff(want, checkActions(page, declared)); diff != "" {
		t.Error(diff)
	}
	if found := checkActions("| key |\n|---|\n| `a` |\n", declared); len(found) > 0 {
		t.Errorf("a page without the table: %q", found)
	}
}
