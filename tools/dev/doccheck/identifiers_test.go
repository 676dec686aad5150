package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIdentifiers(t *testing.T) {
	instead, err := parseIdentifiers("# comment\nthere\texists\ntold\treported\n*anew\tagain\n")
	if err != nil {
		t.Fatal(err)
	}
	const text = `package p

type told struct{ there bool }

func (told) f(there int) { g.there() }

var a = func() (there error) {
	a, there := "there", 1
	for there = range 3 { // there
	}
	for _, told := range a {
	}
}

func There() { Told() }

func TestIndexMadeAnewAfterCrash() { anewer() }
`
	got := checkIdentifiers(text, instead)
	want := []string{
		`3: the name "told", write reported`, `3: the name "there", write exists`, `5: the name "there", write exists`,
		`7: the name "there", write exists`, `8: the name "there", write exists`, `11: the name "told", write reported`,
		`15: the name "There", write exists`, `17: the name "TestIndexMadeAnewAfterCrash", write again`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := checkIdentifiers("not Go", instead); got != nil {
		t.Errorf("not Go: %q", got)
	}
	for _, bad := range []string{"there", "a b\tc"} {
		if _, err := parseIdentifiers(bad); err == nil || !strings.Contains(err.Error(), "identifiers.txt:1") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
