package gadget_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/gadget/builttest"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// artifact returns the blobs of a gadget for both architectures and its index.
func artifact(t testing.TB) (oci.Memory, ocispec.Descriptor) {
	t.Helper()
	return builttest.Artifact(t, full(t, arch.AMD64), full(t, arch.ARM64))
}

func TestLoadBuilt(t *testing.T) {
	blobs, root := artifact(t)
	for _, a := range arch.All() {
		got, err := gadget.Load(context.Background(), blobs, root, a)
		if err != nil {
			t.Fatal(err)
		}
		want := full(t, a)
		if got.Descriptor.Digest != want.Descriptor.Digest || got.Arch != a {
			t.Errorf("%s: manifest %s, want %s", a, got.Descriptor.Digest, want.Descriptor.Digest)
		}
		if diff := cmp.Diff(want.Manifest, got.Manifest); diff != "" {
			t.Errorf("%s: manifest (-want +got):\n%s", a, diff)
		}
		if !bytes.Equal(got.Object, object(t, "good")) || !bytes.Equal(got.Wasm, wasmModule) ||
			string(got.BTF) != "btf of "+a.String() || string(got.Metadata) != smallMetadata {
			t.Errorf("%s: the layers differ", a)
		}
	}
}

func TestLoadReadsOneArch(t *testing.T) {
	blobs, root := artifact(t)
	other := full(t, arch.ARM64)
	delete(blobs, other.Descriptor.Digest)
	if _, err := gadget.Load(context.Background(), blobs, root, arch.AMD64); err != nil {
		t.Error(err)
	}
	if _, err := gadget.Load(context.Background(), blobs, root, arch.ARM64); !errors.Is(err, oci.ErrNotFound) {
		t.Errorf("negative control: %v", err)
	}
}

func TestLoadSkipsLayers(t *testing.T) {
	blobs, root := artifact(t)
	got, err := gadget.Load(context.Background(), blobs, root, arch.AMD64,
		gadget.SkipLayers(gadget.BTFMediaType, gadget.WasmMediaType))
	if err != nil || got.BTF != nil || got.Wasm != nil || got.Object == nil {
		t.Errorf("BTF %d bytes, wasm %d bytes, object %d bytes, error %v", len(got.BTF), len(got.Wasm), len(got.Object), err)
	}
}

// change returns the artifact of one manifest after edit, with its root.
func change(t *testing.T, edit func(*ocispec.Manifest)) (oci.Memory, ocispec.Descriptor) {
	t.Helper()
	return builttest.Changed(t, full(t, arch.AMD64), edit)
}

func TestLoadForeignLayouts(t *testing.T) {
	unknown := oci.Describe("x/y", []byte("y"))
	for name, edit := range map[string]func(*ocispec.Manifest){
		"bare manifest":    func(*ocispec.Manifest) {},
		"no media type":    func(m *ocispec.Manifest) { m.MediaType = "" },
		"no artifact type": func(m *ocispec.Manifest) { m.ArtifactType = "" },
		"empty annotation": func(m *ocispec.Manifest) {
			m.Annotations = map[string]string{"org.opencontainers.image.url": ""}
		},
		"no title":            func(m *ocispec.Manifest) { m.Layers[0].Annotations = nil },
		"unknown layer":       func(m *ocispec.Manifest) { m.Layers = append(m.Layers, unknown) },
		"empty config":        func(m *ocispec.Manifest) { m.Config = ocispec.DescriptorEmptyJSON },
		"no layers":           func(m *ocispec.Manifest) { m.Layers = nil },
		"descriptor, no type": func(*ocispec.Manifest) {},
	} {
		t.Run(name, func(t *testing.T) {
			blobs, root := change(t, edit)
			if name == "descriptor, no type" {
				root.MediaType = ""
			}
			got, err := gadget.Load(context.Background(), blobs, root, arch.AMD64)
			if err != nil {
				t.Fatal(err)
			}
			if want := name == "unknown layer"; (len(got.UnknownLayers) == 1) != want {
				t.Errorf("unknown layers: %v", got.UnknownLayers)
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, tc := range []struct {
		name string
		edit func(*ocispec.Manifest)
		want string
		is   error
	}{
		{"other artifact", func(m *ocispec.Manifest) {
			m.ArtifactType = "application/x"
		}, `artifact type "application/x"`, gadget.ErrNoGadget},
		{"container image", func(m *ocispec.Manifest) {
			m.ArtifactType, m.Config.MediaType = "", ocispec.MediaTypeImageConfig
		}, "is not a gadget", gadget.ErrNoGadget},
		{"other config", func(m *ocispec.Manifest) { m.Config.MediaType = "a/b" }, `config type "a/b"`, gadget.ErrNoGadget},
		{"layer type twice", func(m *ocispec.Manifest) {
			m.Layers = append(m.Layers, m.Layers[0])
		}, "two layers of type", nil},
		{"wrong size", func(m *ocispec.Manifest) { m.Layers[0].Size-- }, "is corrupt", nil},
		{"wrong ELF", func(m *ocispec.Manifest) {
			m.Layers[0] = retype(m.Config, gadget.EBPFMediaType)
		}, "not a valid ELF file", nil},
		{"wrong wasm", func(m *ocispec.Manifest) {
			m.Layers[1] = retype(m.Config, gadget.WasmMediaType)
		}, "not a wasm module", nil},
		{"missing layer", func(m *ocispec.Manifest) {
			m.Layers[0].Digest = oci.Describe("", []byte("z")).Digest
		}, "not found", oci.ErrNotFound},
		{"large config", func(m *ocispec.Manifest) { m.Config.Size = gadget.MaxConfig + 1 }, "the limit 1048576", nil},
		{"negative size", func(m *ocispec.Manifest) { m.Config.Size = -1 }, "its size -1", nil},
		{"digest", func(m *ocispec.Manifest) { m.Config.Digest = "md5:x" }, "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			blobs, root := change(t, tc.edit)
			_, err := gadget.Load(context.Background(), blobs, root, arch.AMD64)
			if err == nil || !strings.Contains(err.Error(), tc.want) || (tc.is != nil && !errors.Is(err, tc.is)) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

func retype(d ocispec.Descriptor, mediaType string) ocispec.Descriptor {
	d.MediaType = mediaType
	return d
}

func TestLoadChecksThePlatformOfABareManifest(t *testing.T) {
	b := full(t, arch.AMD64)
	blobs := oci.NewMemory(append(b.Blobs, oci.Blob{Descriptor: b.Descriptor, Data: b.Data})...)
	if _, err := gadget.Load(context.Background(), blobs, b.Descriptor, arch.AMD64); err != nil {
		t.Error(err)
	}
	var missing *oci.ArchError
	if _, err := gadget.Load(context.Background(), blobs, b.Descriptor, arch.ARM64); !errors.As(err, &missing) ||
		missing.Have[0] != "linux/amd64" {
		t.Errorf("error %v, want that only linux/amd64 is there", err)
	}
}

func TestLoadStopsAtNestedIndexes(t *testing.T) {
	b := full(t, arch.AMD64)
	blobs := append(slices.Clone(b.Blobs), oci.Blob{Descriptor: b.Descriptor, Data: b.Data})
	d := b.Descriptor
	for range 6 {
		d.Platform = &ocispec.Platform{OS: "linux", Architecture: "amd64"}
		data, err := json.Marshal(ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{d}})
		if err != nil {
			t.Fatal(err)
		}
		blob := oci.NewBlob(ocispec.MediaTypeImageIndex, data)
		blobs, d = append(blobs, blob), blob.Descriptor
	}
	_, err := gadget.Load(context.Background(), oci.NewMemory(blobs...), d, arch.AMD64)
	if err == nil || !strings.Contains(err.Error(), "indexes inside each other") {
		t.Errorf("error %v", err)
	}
}

func TestLoadWithRaisedLimits(t *testing.T) {
	blobs, root := artifact(t)
	small := gadget.DefaultLimits()
	small.Object = 10
	if _, err := gadget.Load(context.Background(), blobs, root, arch.AMD64, gadget.WithLimits(small)); err == nil {
		t.Error("an object over the limit was read")
	}
}
