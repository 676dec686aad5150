// Package builttest makes artifacts of built manifests, for tests that read them.
package builttest

import (
	"encoding/json"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// Artifact returns the blobs of a gadget that has these manifests, and its index.
func Artifact(t testing.TB, built ...gadget.Built) (oci.Memory, ocispec.Descriptor) {
	t.Helper()
	index, err := gadget.BuildIndex(built)
	if err != nil {
		t.Fatal(err)
	}
	blobs := []oci.Blob{{Descriptor: index.Descriptor, Data: index.Data}}
	for _, m := range built {
		blobs = append(append(blobs, oci.Blob{Descriptor: m.Descriptor, Data: m.Data}), m.Blobs...)
	}
	return oci.NewMemory(blobs...), index.Descriptor
}

// Changed returns the artifact of one manifest after edit, with its root. It also has the
// blobs "{}" and "y", to which edit may refer.
func Changed(t testing.TB, b gadget.Built, edit func(*ocispec.Manifest)) (oci.Memory, ocispec.Descriptor) {
	t.Helper()
	edit(&b.Manifest)
	data, err := json.Marshal(b.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	m := oci.NewBlob(ocispec.MediaTypeImageManifest, data)
	return oci.NewMemory(append(b.Blobs, m, oci.NewBlob("", []byte("{}")), oci.NewBlob("x/y", []byte("y")))...),
		m.Descriptor
}
