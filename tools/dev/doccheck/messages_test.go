package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMessages(t *testing.T) {
	const code = `package p

var err = fmt.Errorf("the file %q has "+
	"no such line, remove %s", name) + "and another"
`
	sources := func() ([]string, error) { return goStrings([]byte(code)), nil }
	texts := []string{"the file %q has no such line, remove %s", "and another"}
	if diff := cmp.Diff(texts, goStrings([]byte(code))); diff != "" {
		t.Fatal(diff)
	}
	const page = "| error | cause |\n|---|---|\n| `the file ... has no such line` | `not in code` |\n" +
		"| `no such line ... the file` or `it has no such line` | |\n| `the ...` | |\n| text without a quotation | |\n\n" +
		"| log | cause |\n|---|---|\n| `a message of another program` | |\n"
	want := []string{
		"4: the error \"no such line ... the file\" is in no source", "4: the error \"it has no such line\" is in no source",
		"5: the error \"the ...\" is too short to be found in the sources",
	}
	if diff := cmp.Diff(want, checkMessages(page, sources)); diff != "" {
		t.Error(diff)
	}
}
