package runcmd

import (
	"os"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/rules-gadget/rules_gadget/internal/registry"
)

func TestAllowList(t *testing.T) {
	t.Setenv("GADGET_RUN_REGISTRIES", os.DevNull)
	one, two := "sha256:"+strings.Repeat("1", 64), "sha256:"+strings.Repeat("2", 64)
	for _, tc := range []struct {
		name, list, ref, digest string
		want                    bool
	}{
		{"no list", "", "r.example/a:v1", one, true},
		{"the same tag", "r.example/a:v1", "r.example/a:v1", one, true},
		{"another tag", "r.example/a:v1", "r.example/a:v2", one, false},
		{"without tag both are latest", "r.example/a", "r.example/a:latest", one, true},
		{"a name of which this is a prefix", "r.example/abc:v1", "r.example/ab", one, false},
		{"beginning", "r.example/tools/*", "r.example/tools/a:v1", one, true},
		{"another beginning", "r.example/tools/*", "r.example/toolsmith:v1", one, false},
		{"digest of a tag", "r.example/a@" + one, "r.example/a:v1", one, true},
		{"another digest of a tag", "r.example/a@" + two, "r.example/a:v1", one, false},
		{"digest that is not known yet", "r.example/a@" + two, "r.example/a:v1", "", true},
		{"digest of another name, not known yet", "r.example/b@" + two, "r.example/a:v1", "", false},
		{"tag with a digest is not the tag", "r.example/a:v1", "r.example/a:v1@" + two, "", false},
		{"digest alone", two + "," + one, "r.example/a:v1", one, true},
		{"digest alone, not known yet", one, "r.example/a:v1", "", true},
		{"another digest alone", two, "r.example/a:v1", one, false},
		{"second of two", "r.example/b:v1, r.example/a:v1", "r.example/a:v1", one, true},
		{"file by digest", one, "", one, true},
		{"file by name", "r.example/a:v1,r.example/*", "", one, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var values []string
			if tc.list != "" {
				values = strings.Split(tc.list, ",")
			}
			list, err := newAllowList(values)
			if err != nil {
				t.Fatal(err)
			}
			var ref registry.Reference
			if tc.ref != "" {
				if ref, err = registry.ParseReference(tc.ref, registry.Defaults{}); err != nil {
					t.Fatal(err)
				}
			}
			if err := list.check(ref, digest.Digest(tc.digest)); (err == nil) != tc.want {
				t.Errorf("got %v, want allowed %t", err, tc.want)
			}
		})
	}
}
