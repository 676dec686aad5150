package registrytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// Artifact is a small artifact in memory: an index of one manifest per
// architecture, each with a config and a layer.
type Artifact struct {
	oci.Memory
	Root ocispec.Descriptor
	// Blobs are all blobs, the root last.
	Blobs []oci.Blob
	// Layers and Manifests are by architecture.
	Layers, Manifests map[arch.Arch]ocispec.Descriptor
}

// NewArtifact makes an artifact whose content is a function of seed. Each
// layer has size bytes.
func NewArtifact(tb testing.TB, seed uint64, size int) *Artifact {
	tb.Helper()
	a := &Artifact{Layers: map[arch.Arch]ocispec.Descriptor{}, Manifests: map[arch.Arch]ocispec.Descriptor{}}
	idx := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	for i, arc := range arch.All() {
		config := oci.NewBlob(gadget.ConfigMediaType, fmt.Appendf(nil, "name: gadget%d\n", seed))
		layer := oci.NewBlob(gadget.EBPFMediaType, noise(seed, uint64(i), size))
		m := ocispec.Manifest{
			Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
			ArtifactType: "application/vnd.gadget.v1+binary",
			Config:       config.Descriptor, Layers: []ocispec.Descriptor{layer.Descriptor},
			Annotations: map[string]string{ocispec.AnnotationTitle: fmt.Sprintf("gadget%d", seed)},
		}
		mb := oci.NewBlob(ocispec.MediaTypeImageManifest, marshal(tb, m))
		entry := mb.Descriptor
		entry.Platform = &ocispec.Platform{OS: "linux", Architecture: arc.String()}
		idx.Manifests = append(idx.Manifests, entry)
		a.Layers[arc], a.Manifests[arc] = layer.Descriptor, mb.Descriptor
		a.Blobs = append(a.Blobs, config, layer, mb)
	}
	idx.Annotations = map[string]string{ocispec.AnnotationCreated: "1970-01-01T00:00:00Z"}
	root := oci.NewBlob(ocispec.MediaTypeImageIndex, marshal(tb, idx))
	a.Root = root.Descriptor
	a.Blobs = append(a.Blobs, root)
	a.Memory = oci.NewMemory(a.Blobs...)
	return a
}

// Layout writes the artifact as an OCI layout in a directory of the test.
func (a *Artifact) Layout(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir() + "/layout"
	if err := oci.WriteLayout(dir, a.Root, a.Blobs); err != nil {
		tb.Fatal(err)
	}
	return dir
}

// noise returns bytes that do not compress, starting with an ELF magic.
func noise(seed, stream uint64, size int) []byte {
	data := make([]byte, size)
	src := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(stream)})
	_, _ = src.Read(data)
	copy(data, "\x7fELF")
	return data
}

func marshal(tb testing.TB, v any) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}
