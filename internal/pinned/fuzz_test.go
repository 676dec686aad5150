package pinned_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rules-gadget/rules_gadget/internal/pinned"
)

// FuzzMirrors reads the machine's apt sources: what comes out is an address
// that can be fetched from.
func FuzzMirrors(f *testing.F) {
	f.Add("deb [arch=amd64] http://one.example/debian x main\n", "Types: deb\nURIs: http://two.example/debian\n")
	f.Add("deb mirror+file:/etc/apt/mirrors x main\n", "Enabled: no\n")
	f.Fuzz(func(t *testing.T, list, sources string) {
		found, err := pinned.Mirrors(fstest.MapFS{
			"apt/sources.list":             {Data: []byte(list)},
			"apt/sources.list.d/x.sources": {Data: []byte(sources)},
			"apt/mirrors":                  {Data: []byte("http://three.example/debian\n")},
		}, func(string) string { return "" })
		if err != nil {
			return
		}
		for _, m := range found {
			if !strings.HasPrefix(m, "http://") && !strings.HasPrefix(m, "https://") {
				t.Errorf("%q and %q give the mirror %q", list, sources, m)
			}
		}
	})
}
