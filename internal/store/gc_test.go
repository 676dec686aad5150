package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

func TestGCKeepsReferenced(t *testing.T) {
	ctx := context.Background()
	s := open(t)
	a, b := registrytest.NewArtifact(t, 1, 100), registrytest.NewArtifact(t, 2, 100)
	put(t, s, a, "example.com/a:v1")
	put(t, s, b, "example.com/b:v1")
	if err := s.Untag(ctx, "example.com/b:v1"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir(), "tmp", "x.part"), make([]byte, 7), 0o600); err != nil {
		t.Fatal(err)
	}
	dry, err := s.GC(ctx, store.GCOptions{DryRun: true})
	if err != nil || !s.Has(b.Root) {
		t.Fatalf("dry run: %v, content kept: %v", err, s.Has(b.Root))
	}
	got, err := s.GC(ctx, store.GCOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Blobs) != 6 || got.Files != 1 || got.Bytes != dry.Bytes || dry.Bytes <= 7 {
		t.Errorf("removed %d blobs, %d files, %d bytes; dry run said %d bytes; want 6 blobs, 1 file", len(got.Blobs),
			got.Files, got.Bytes, dry.Bytes)
	}
	if s.Has(b.Layers[arch.AMD64]) || !s.Has(a.Layers[arch.AMD64]) || !s.Has(a.Manifests[arch.ARM64]) {
		t.Error("GC removed the wrong blobs")
	}
	checkClean(t, s)
}

func TestGCDuringPull(t *testing.T) {
	ctx := context.Background()
	s := open(t)
	a := registrytest.NewArtifact(t, 1, 100)
	slow := &gated{
		Blobs: a, at: a.Manifests[arch.AMD64].Digest.String(), open: make(chan struct{}), reached: make(chan struct{}),
	}
	done := make(chan error, 1)
	go func() { done <- s.Put(ctx, slow, a.Root, "example.com/a:v1", []arch.Arch{arch.AMD64}) }()
	<-slow.reached
	if _, err := s.GC(ctx, store.GCOptions{Yield: true}); !errors.Is(err, store.ErrBusy) {
		t.Errorf("GC during a pull = %v, want ErrBusy", err)
	}
	close(slow.open)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := s.GC(ctx, store.GCOptions{}); err != nil {
		t.Fatal(err)
	}
	checkClean(t, s)
	if !s.Has(a.Layers[arch.AMD64]) {
		t.Error("GC removed what the pull brought")
	}
}

func TestFailedPutLeavesNothingNamed(t *testing.T) {
	s := open(t)
	a := registrytest.NewArtifact(t, 1, 100)
	layer := a.Layers[arch.AMD64]
	for name, content := range map[string][]byte{
		"missing": nil, "short": make([]byte, 99), "long": make([]byte, 101), "wrong": make([]byte, 100),
	} {
		broken := oci.Memory{}
		for d, data := range a.Memory {
			broken[d] = data
		}
		if delete(broken, layer.Digest); content != nil {
			broken[layer.Digest] = content
		}
		err := s.Put(context.Background(), broken, a.Root, "example.com/a:v1", nil)
		if err == nil {
			t.Errorf("%s: Put succeeded", name)
		}
		if _, err := s.Resolve("example.com/a:v1"); !errors.Is(err, oci.ErrNotFound) {
			t.Errorf("%s: Resolve = %v, want ErrNotFound", name, err)
		}
		if s.Has(a.Root) || s.Has(a.Manifests[arch.AMD64]) || s.Has(layer) {
			t.Errorf("%s: the store holds a manifest without its layer", name)
		}
		if left, _ := os.ReadDir(filepath.Join(s.Dir(), "tmp")); len(left) > 0 {
			t.Errorf("%s: %d files are left in tmp", name, len(left))
		}
	}
	checkClean(t, s)
}

func TestFsckFindsAndRepairs(t *testing.T) {
	ctx := context.Background()
	s := open(t)
	a, b := registrytest.NewArtifact(t, 1, 100), registrytest.NewArtifact(t, 2, 100)
	put(t, s, a, "example.com/a:v1")
	put(t, s, b, "example.com/b:v1")
	checkClean(t, s)
	damaged := filepath.Join(s.Dir(), "blobs", "sha256", b.Layers[arch.ARM64].Digest.Encoded())
	writeFile(t, damaged, "other content")
	writeFile(t, filepath.Join(s.Dir(), "refs", "junk.json"), "{")
	writeFile(t, filepath.Join(s.Dir(), "index.json"), "{}")
	found, err := s.Fsck(ctx, false)
	if err != nil || len(found) != 4 {
		t.Errorf("Fsck = %v, %v; want 4 problems: a blob, its reference, a broken reference, the index", found, err)
	}
	if fixed, err := s.Fsck(ctx, true); err != nil || len(fixed) < 3 || !fixed[0].Repaired {
		t.Errorf("repair = %v, %v", fixed, err)
	}
	checkClean(t, s)
	if _, err := s.Resolve("example.com/b:v1"); !errors.Is(err, oci.ErrNotFound) {
		t.Errorf("the damaged artifact is still named: %v", err)
	}
	put(t, s, b, "example.com/b:v1")
	checkClean(t, s)
	if _, err := s.Resolve("example.com/a:v1"); err != nil {
		t.Errorf("the undamaged artifact is gone: %v", err)
	}
}

func TestLocksEndWithContext(t *testing.T) {
	s := open(t)
	release, err := s.Hold(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.GC(ctx, store.GCOptions{}); !errors.Is(err, store.ErrBusy) {
		t.Errorf("GC = %v, want ErrBusy", err)
	}
}
