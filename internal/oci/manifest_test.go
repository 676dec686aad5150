package oci_test

import (
	"strings"
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

// TestListsCounted refuses lists that are short as text and large in memory
// while it reads them.
func TestListsCounted(t *testing.T) {
	long := strings.Repeat("{},", oci.MaxListed) + "{}"
	for name, parse := range map[string]func([]byte) error{
		"index":    func(data []byte) error { _, err := oci.ParseIndex(data); return err },
		"image":    func(data []byte) error { _, err := oci.ParseImage(data); return err },
		"manifest": func(data []byte) error { _, err := oci.ParseManifest(data); return err },
	} {
		for _, key := range []string{"manifests", "layers"} {
			err := parse([]byte(`{"` + key + `":[` + long + `]}`))
			ignored := name == "index" && key == "layers" || name == "image" && key == "manifests"
			if want := "a list has at least 16385 elements, at most 16384 are allowed"; !ignored &&
				(err == nil || err.Error() != want) {
				t.Errorf("%s, %s: %v, want %q", name, key, err, want)
			}
		}
	}
	index, err := oci.ParseIndex([]byte(
		`{"schemaVersion":2,"manifests":[{"size":3,"annotations":{"a":"b"}}],"annotations":{"c":"d"}}`))
	if err != nil || len(index.Manifests) != 1 || index.Manifests[0].Annotations["a"] != "b" ||
		index.Annotations["c"] != "d" || index.SchemaVersion != 2 {
		t.Errorf("an index is read as %+v, %v", index, err)
	}
	if index, err = oci.ParseIndex([]byte(`{"manifests":null}`)); err != nil || index.Manifests != nil {
		t.Errorf("an index without a list is read as %+v, %v", index, err)
	}
	if _, err := oci.ParseIndex([]byte(`{"manifests":{}}`)); err == nil {
		t.Error("an object is taken as a list")
	}
}
