package oci_test

import (
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// FuzzParseManifest checks the limit of what a manifest may name.
func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(`{"manifests":[{"platform":{"os":"linux","architecture":"amd64"}}],"layers":[{"size":3}],"config":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := oci.ParseManifest(data)
		if err != nil {
			return
		}
		if n := len(m.Children()); n > oci.MaxChildren {
			t.Errorf("%d children are accepted", n)
		}
	})
}
