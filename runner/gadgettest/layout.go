// Package gadgettest makes gadgets for tests. The gadgets are compiled from the
// C sources in fixtures by "go generate".
package gadgettest

import (
	"embed"
	"os"
	"path/filepath"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

//go:generate go run fixtures/compile.go

//go:embed fixtures/*.bpf.o fixtures/*.yaml
var files embed.FS

// File returns a file of fixtures: an object ("open.bpf.o") or the gadget.yaml
// of one ("open.yaml").
func File(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := files.ReadFile("fixtures/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// Layout writes the OCI layout of a gadget for each of archs into a new directory
// and returns its path. object and metadata are paths; metadata may be empty.
func Layout(tb testing.TB, object, metadata string, archs ...arch.Arch) string {
	tb.Helper()
	obj, err := os.ReadFile(object)
	if err != nil {
		tb.Fatal(err)
	}
	var md []byte
	if metadata != "" {
		if md, err = os.ReadFile(metadata); err != nil {
			tb.Fatal(err)
		}
	}
	dir := filepath.Join(tb.TempDir(), "layout")
	if err := WriteLayout(dir, obj, md, archs...); err != nil {
		tb.Fatal(err)
	}
	return dir
}

// WriteLayout writes the OCI layout of a gadget for each of archs into dir.
// metadata may be nil.
func WriteLayout(dir string, object, metadata []byte, archs ...arch.Arch) error {
	var inputs []gadget.ManifestInput
	for _, a := range archs {
		inputs = append(inputs, gadget.ManifestInput{Arch: a, Metadata: metadata, Object: object})
	}
	return WriteManifests(dir, inputs...)
}

// WriteManifests writes the OCI layout of a gadget with these manifests into
// dir.
func WriteManifests(dir string, inputs ...gadget.ManifestInput) error {
	var built []gadget.Built
	var blobs []oci.Blob
	for _, in := range inputs {
		b, err := gadget.BuildManifest(in)
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
