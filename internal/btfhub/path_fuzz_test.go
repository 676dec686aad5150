package btfhub_test

import (
	"path"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/btfhub"
)

// FuzzParseArchivePath: a name that is accepted is its own spelling and stays
// in its directory.
func FuzzParseArchivePath(f *testing.F) {
	f.Add("debian/bullseye/x86_64/5.10.0-8-amd64.btf.tar.xz")
	f.Add("../../../etc/x86_64/a.btf.tar.xz")
	f.Add("a/b/arm64/.btf.tar.xz")
	f.Fuzz(func(t *testing.T, name string) {
		id, err := btfhub.ParseArchivePath(name)
		if err != nil {
			return
		}
		if got := btfhub.ArchivePath(id); got != name || path.Clean(name) != name || strings.Contains(name, "..") &&
			strings.Contains("/"+name+"/", "/../") {
			t.Errorf("%q is accepted, as %q", name, got)
		}
	})
}
