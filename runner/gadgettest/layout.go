// Package gadgettest makes gadgets for tests.
package gadgettest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// Layout writes the OCI layout of a gadget for each of archs into a new folder
// and returns its path. object and metadata are paths; metadata may be empty.
func Layout(tb testing.TB, object, metadata string, archs ...arch.Arch) string {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "layout")
	if err := WriteLayout(dir, object, metadata, archs...); err != nil {
		tb.Fatal(err)
	}
	return dir
}

// WriteLayout writes the OCI layout of a gadget into dir.
func WriteLayout(dir, object, metadata string, archs ...arch.Arch) error {
	obj, err := os.ReadFile(object)
	if err != nil {
		return err
	}
	var md []byte
	if metadata != "" {
		if md, err = os.ReadFile(metadata); err != nil {
			return err
		}
	}
	var built []gadget.Built
	var blobs []oci.Blob
	for _, a := range archs {
		b, err := gadget.BuildManifest(gadget.ManifestInput{Arch: a, Metadata: md, Object: obj})
		if err != nil {
			return err
		}
		built = append(built, b)
		blobs = append(blobs, b.Blobs...)
		blobs = append(blobs, oci.Blob{Descriptor: b.Descriptor, Data: b.Data})
	}
	idx, err := gadget.BuildIndex(built)
	if err != nil {
		return err
	}
	blobs = append(blobs, oci.Blob{Descriptor: idx.Descriptor, Data: idx.Data})
	return oci.WriteLayout(dir, idx.Descriptor, blobs)
}
