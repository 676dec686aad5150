package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/runner/wasm"
)

func TestReplace(t *testing.T) {
	text := tables([]wasm.Function{
		{Group: "A", Name: "one", Signature: "(x u32) u32", Doc: "Does."},
		{Group: "A", Name: "two", Signature: "()", Doc: "Too."},
		{Group: "B", Name: "three", Signature: "()", Doc: "Else."},
	})
	got, err := replace("# T\n"+begin+"old"+end+"tail\n", text)
	if err != nil {
		t.Fatal(err)
	}
	want := "# T\n" + begin + "\n### A\n\n| function | what it does |\n|---|---|\n| `one(x u32) u32` | Does. |\n| " +
		"`two()` | Too. |\n" +
		"\n### B\n\n| function | what it does |\n|---|---|\n| `three()` | Else. |\n\n" + end + "tail\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
	again, err := replace(string(got), text)
	if err != nil || string(again) != string(got) {
		t.Errorf("writing it again changes it: %v", err)
	}
	if _, err := replace("# T\n", text); err == nil || !strings.Contains(err.Error(), "lacks the lines") {
		t.Errorf("got error %v for a page without marks", err)
	}
}
