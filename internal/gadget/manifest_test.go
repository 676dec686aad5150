package gadget_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/golden"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

const smallMetadata = `name: small & <simple>
description: a gadget
sourceURL: https://example.com/source
annotations:
  org.opencontainers.image.description: overridden
  org.opencontainers.image.created: "2001-01-01T00:00:00Z"
  empty: ""
`

var wasmModule = []byte("\x00asm\x01\x00\x00\x00")

func build(t testing.TB, in gadget.ManifestInput) gadget.Built {
	t.Helper()
	b, err := gadget.BuildManifest(in)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// full returns the manifest with every layer.
func full(t testing.TB, a arch.Arch) gadget.Built {
	return build(t, gadget.ManifestInput{
		Arch: a, Metadata: []byte(smallMetadata), Object: object(t, "good"), Wasm: wasmModule,
		BTF:    []byte("btf of " + a.String()),
		Labels: map[string]string{"label": "by hand"}, Created: time.Unix(1, 0),
	})
}

func TestBuildManifestGolden(t *testing.T) {
	b := full(t, arch.AMD64)
	golden.Check(t, "manifest.json", append(b.Data, '\n'))
	if b.Descriptor.Digest != oci.Describe("", b.Data).Digest {
		t.Errorf("the digest is %s", b.Descriptor.Digest)
	}
	if !json.Valid(b.Data) || bytes.HasSuffix(b.Data, []byte("\n")) {
		t.Error("the manifest is not a compact JSON")
	}
}

func TestBuildManifestWithoutMetadataGolden(t *testing.T) {
	b := build(t, gadget.ManifestInput{Arch: arch.ARM64, Object: object(t, "good")})
	golden.Check(t, "manifest_empty_config.json", append(b.Data, '\n'))
}

func TestBuildManifestWithoutProgramGolden(t *testing.T) {
	b := build(t, gadget.ManifestInput{Arch: arch.ARM64, Metadata: []byte("name: meta\n")})
	golden.Check(t, "manifest_metadata_only.json", append(b.Data, '\n'))
}

func TestBuildIndexGolden(t *testing.T) {
	amd, arm := full(t, arch.AMD64), full(t, arch.ARM64)
	index, err := gadget.BuildIndex([]gadget.Built{arm, amd})
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "index.json", append(index.Data, '\n'))
	swapped, err := gadget.BuildIndex([]gadget.Built{amd, arm})
	if err != nil || swapped.Descriptor.Digest != index.Descriptor.Digest {
		t.Errorf("the order of the manifests changes the index: %v", err)
	}
}

func TestEqualContentOneManifest(t *testing.T) {
	in := gadget.ManifestInput{Arch: arch.AMD64, Object: object(t, "good")}
	amd := build(t, in)
	in.Arch = arch.ARM64
	arm := build(t, in)
	if amd.Descriptor.Digest != arm.Descriptor.Digest {
		t.Error("equal objects give two manifests")
	}
	if _, err := gadget.BuildIndex([]gadget.Built{amd, arm}); err != nil {
		t.Error(err)
	}
}

func TestBuildManifestRefuses(t *testing.T) {
	good := object(t, "good")
	otherMachine := bytes.Clone(good)
	otherMachine[18] = 62 // e_machine: x86-64
	for _, tc := range []struct {
		name string
		in   gadget.ManifestInput
		want string
	}{
		{"nothing", gadget.ManifestInput{Arch: arch.AMD64}, "the gadget is empty"},
		{"arch", gadget.ManifestInput{Arch: "mips", Object: good}, `unknown architecture "mips"`},
		{"no ELF", gadget.ManifestInput{Arch: arch.AMD64, Object: []byte("x")}, "adding object: it is not a valid ELF file"},
		{"machine", gadget.ManifestInput{Arch: arch.AMD64, Object: otherMachine}, "machine 62"},
		{
			"wasm",
			gadget.ManifestInput{Arch: arch.AMD64, Object: good, Wasm: []byte("wasm")},
			"adding wasm module: it is not a wasm module",
		},
		{
			"metadata",
			gadget.ManifestInput{Arch: arch.AMD64, Object: good, Metadata: []byte("name: [")},
			"reading metadata: gadget.yaml:",
		},
		{"large wasm", gadget.ManifestInput{Arch: arch.AMD64, Wasm: make([]byte, gadget.MaxWasm+1)}, "the limit is"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := gadget.BuildManifest(tc.in)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

func TestBuildIndexRefuses(t *testing.T) {
	amd := full(t, arch.AMD64)
	unknown := amd
	unknown.Descriptor.Platform = nil
	for name, in := range map[string][]gadget.Built{"none": nil, "twice": {amd, amd}, "no platform": {unknown}} {
		if _, err := gadget.BuildIndex(in); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAnnotationsPrecedence(t *testing.T) {
	got, err := gadget.Annotations([]byte(smallMetadata), map[string]string{"org.opencontainers.image.title": "label"},
		time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		ocispec.AnnotationTitle:       "label",
		ocispec.AnnotationDescription: "overridden",
		ocispec.AnnotationCreated:     "1970-01-01T00:00:00Z",
		gadget.FormatAnnotation:       gadget.FormatVersion,
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	if _, ok := got["empty"]; ok {
		t.Error("an empty annotation is there")
	}
}
