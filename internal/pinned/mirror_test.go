package pinned_test

import (
	"errors"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/pinned"
)

func TestMirrors(t *testing.T) {
	etc := fstest.MapFS{
		"apt/sources.list": {Data: []byte("# deb http://comment.example/debian x main\ndeb [arch=amd64 trusted=yes] " +
			"http://one.example/security x main\ndeb-src http://src.example/debian x main\n")},
		"apt/sources.list.d/a.sources": {Data: []byte(
			"Types: deb\nURIs: http://two.example/debian/ mirror+file:/etc/apt/mirrors.list\nSuites: x\n\n" +
				"Types: deb\nEnabled: no\nURIs: http://off.example/debian\n")},
		"apt/mirrors.list": {Data: []byte("http://three.example/debian\tpriority:1\n")},
	}
	none := func(string) string { return "" }
	got, err := pinned.Mirrors(etc, none)
	want := []string{"http://two.example/debian", "http://three.example/debian", "http://one.example/security"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("Mirrors: %v (-want +got):\n%s", err, diff)
	}
	chosen := func(string) string { return "http://mine.example/" }
	if got, err := pinned.Mirrors(etc, chosen); err != nil || len(got) != 1 || got[0] != "http://mine.example" {
		t.Errorf("with DEBIAN_MIRROR: %q, %v", got, err)
	}
	if got, err := pinned.Mirrors(fstest.MapFS{}, none); !errors.Is(err, pinned.ErrNoMirror) {
		t.Errorf("without apt: %q, %v", got, err)
	}
}
