package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

func open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *store.Store, a *registrytest.Artifact, name string, archs ...arch.Arch) {
	t.Helper()
	if err := s.Put(context.Background(), a, a.Root, name, archs); err != nil {
		t.Fatal(err)
	}
}

func TestPutTakesOneArch(t *testing.T) {
	s := open(t)
	a := registrytest.NewArtifact(t, 1, 5000)
	put(t, s, a, "example.com/a:v1", arch.AMD64)
	d, err := s.Resolve("example.com/a:v1")
	if err != nil || d.Digest != a.Root.Digest {
		t.Fatalf("Resolve = %v, %v", d, err)
	}
	if _, err := oci.ReadBlob(context.Background(), s, a.Layers[arch.AMD64], 1<<20); err != nil {
		t.Errorf("the layer of amd64: %v", err)
	}
	if s.Has(a.Layers[arch.ARM64]) || s.Has(a.Manifests[arch.ARM64]) {
		t.Error("content of arm64 was taken too")
	}
	put(t, s, a, "example.com/a:v1")
	if !s.Has(a.Layers[arch.ARM64]) {
		t.Error("content of arm64 was not taken with all architectures")
	}
}

func TestIndexFileLayout(t *testing.T) {
	s := open(t)
	a, b := registrytest.NewArtifact(t, 1, 10), registrytest.NewArtifact(t, 2, 10)
	put(t, s, b, "example.com/b:v1")
	put(t, s, a, "example.com/a:v1")
	if _, err := s.Tag(context.Background(), "example.com/a:v1", "example.com/c:v2"); err != nil {
		t.Fatal(err)
	}
	if err := s.Untag(context.Background(), "example.com/b:v1"); err != nil {
		t.Fatal(err)
	}
	l, err := oci.OpenLayout(s.Dir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"example.com/a:v1", "example.com/c:v2"} {
		if d, err := l.Root(name); err != nil || d.Digest != a.Root.Digest {
			t.Errorf("Root(%q) = %v, %v", name, d, err)
		}
	}
	if _, err := l.Root("example.com/b:v1"); !errors.Is(err, oci.ErrNotFound) {
		t.Errorf("the removed name is still in index.json: %v", err)
	}
}

func TestIndexFileRecreatedAfterCrash(t *testing.T) {
	s := open(t)
	a := registrytest.NewArtifact(t, 1, 10)
	put(t, s, a, "example.com/a:v1")
	// What a kill between the reference and index.json leaves.
	index := filepath.Join(s.Dir(), ocispec.ImageIndexFile)
	if err := os.WriteFile(index, []byte(`{"manifests":[]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir(), "index.dirty"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	put(t, s, registrytest.NewArtifact(t, 2, 10), "example.com/b:v1")
	data, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	var idx ocispec.Index
	if err := json.Unmarshal(data, &idx); err != nil || len(idx.Manifests) != 2 {
		t.Errorf("index.json has %d entries (%v), want 2", len(idx.Manifests), err)
	}
}
