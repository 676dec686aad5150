package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

// fixtures holds an object and its metadata.
const fixtures = "runner/gadgettest/fixtures"

// artifact is a gadget of two platforms as a layout in a directory.
type artifact struct {
	oci.Memory
	name   string // of its repository
	layout string
	root   ocispec.Descriptor
	blobs  []oci.Blob
}

// makeArtifacts makes the artifacts that are transferred. No two have a layer
// in common.
func (b *bench) makeArtifacts() error {
	for i := range b.many {
		a, err := newArtifact(i, b.layer)
		if err != nil {
			return err
		}
		a.layout = filepath.Join(b.tmp, "layouts", a.name)
		if err := os.MkdirAll(filepath.Dir(a.layout), 0o755); err != nil {
			return err
		}
		if err := oci.WriteLayout(a.layout, a.root, a.blobs); err != nil {
			return err
		}
		a.Memory, a.blobs = nil, nil
		b.artifacts = append(b.artifacts, a)
	}
	return nil
}

// newArtifact makes a gadget that can be run and has size bytes an object:
// what follows the object in its file is noise.
func newArtifact(seed, size int) (artifact, error) {
	object, err := os.ReadFile(filepath.Join(fixtures, "open.bpf.o"))
	if err != nil {
		return artifact{}, fmt.Errorf("%w, run this in the workspace's directory", err)
	}
	metadata, err := os.ReadFile(filepath.Join(fixtures, "open.yaml"))
	if err != nil {
		return artifact{}, err
	}
	a := artifact{name: fmt.Sprintf("bench/g%d", seed)}
	var built []gadget.Built
	for i, platform := range arch.All() {
		one, err := gadget.BuildManifest(gadget.ManifestInput{
			Arch: platform, Metadata: metadata, Object: append(bytes.Clone(object), noise(seed, i, size-len(object))...),
		})
		if err != nil {
			return a, err
		}
		built = append(built, one)
		a.blobs = append(append(a.blobs, one.Blobs...), oci.Blob{Descriptor: one.Descriptor, Data: one.Data})
	}
	index, err := gadget.BuildIndex(built)
	if err != nil {
		return a, err
	}
	a.root = index.Descriptor
	a.blobs = append(a.blobs, oci.Blob{Descriptor: index.Descriptor, Data: index.Data})
	a.Memory = oci.NewMemory(a.blobs...)
	return a, nil
}

// noise returns bytes that do not compress.
func noise(seed, stream, size int) []byte {
	data := make([]byte, max(size, 16))
	src := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(stream)})
	_, _ = src.Read(data)
	return data
}

// fill stores n small gadgets below dir and returns the name of the first.
func (b *bench) fill(dir string, n int) (string, error) {
	s, err := store.Open(dir)
	if err != nil {
		return "", err
	}
	name := func(i int) string { return fmt.Sprintf("127.0.0.1:5000/stored/g%d:v1", i) }
	for i := range n {
		a, err := newArtifact(i, 0)
		if err != nil {
			return "", err
		}
		if err := s.Put(b.ctx, a, a.root, name(i), nil); err != nil {
			return "", err
		}
	}
	return name(0), nil
}
