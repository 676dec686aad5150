package store_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

// broken is a place that has nothing.
type broken struct{}

var errBroken = errors.New("the network is down")

func (broken) Open(context.Context, ocispec.Descriptor) (io.ReadCloser, error) {
	return nil, errBroken
}

func names(t *testing.T, s *store.Store) map[string]string {
	t.Helper()
	refs, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, r := range refs {
		out[r.Name] = r.Target.Digest.String()
	}
	return out
}

func wanted(a *registrytest.Artifact, name string) store.Wanted {
	return store.Wanted{Name: name, Root: a.Root, Archs: []arch.Arch{arch.AMD64}, From: a}
}

func syncTo(t *testing.T, s *store.Store, all ...store.Wanted) store.SyncResult {
	t.Helper()
	res, err := s.Sync(context.Background(), all)
	if err != nil {
		t.Fatal(err)
	}
	checkClean(t, s)
	return res
}

func TestSyncOwnsOnlyItsNames(t *testing.T) {
	ctx := context.Background()
	s := open(t)
	a, b, c := registrytest.NewArtifact(t, 1, 100), registrytest.NewArtifact(t, 2, 100),
		registrytest.NewArtifact(t, 3, 100)
	put(t, s, a, "r.example/mine:v1")
	put(t, s, a, "r.example/moves:v1")
	res := syncTo(t, s, wanted(a, "r.example/mine:v1"), wanted(b, "r.example/moves:v1"), wanted(b, "r.example/b:v1"),
		wanted(c, "r.example/c:v1"))
	want := store.SyncResult{Set: []string{"r.example/b:v1", "r.example/c:v1", "r.example/moves:v1"}}
	if diff := cmp.Diff(want, res); diff != "" {
		t.Errorf("the first sync (-want +got):\n%s", diff)
	}
	if _, err := s.Tag(ctx, "r.example/b:v1", "r.example/tagged:v1"); err != nil {
		t.Fatal(err)
	}
	put(t, s, c, "r.example/c:v1") // the user pulls it after the sync
	res = syncTo(t, s)
	if diff := cmp.Diff(store.SyncResult{Removed: []string{"r.example/b:v1"}}, res); diff != "" {
		t.Errorf("the second sync (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{
		"r.example/mine:v1": a.Root.Digest.String(), "r.example/moves:v1": b.Root.Digest.String(),
		"r.example/tagged:v1": b.Root.Digest.String(), "r.example/c:v1": c.Root.Digest.String(),
	}, names(t, s)); diff != "" {
		t.Errorf("what stays (-want +got):\n%s", diff)
	}
}

func TestSyncMovesOwnName(t *testing.T) {
	s := open(t)
	a, b := registrytest.NewArtifact(t, 1, 100), registrytest.NewArtifact(t, 2, 100)
	syncTo(t, s, wanted(a, "r.example/a:v1"))
	if res := syncTo(t, s, wanted(b, "r.example/a:v1")); !slices.Equal(res.Set, []string{"r.example/a:v1"}) {
		t.Errorf("%+v", res)
	}
	if res := syncTo(t, s); !slices.Equal(res.Removed, []string{"r.example/a:v1"}) {
		t.Errorf("%+v", res)
	}
}

// TestSyncChangesNothingOnAnError also proves that what is whole is not requested.
func TestSyncChangesNothingOnAnError(t *testing.T) {
	ctx := context.Background()
	s := open(t)
	a, b, c := registrytest.NewArtifact(t, 1, 100), registrytest.NewArtifact(t, 2, 100),
		registrytest.NewArtifact(t, 3, 100)
	syncTo(t, s, wanted(a, "r.example/a:v1"), wanted(c, "r.example/c:v1"))
	before := names(t, s)
	gone := wanted(c, "r.example/new:v1")
	gone.Root, gone.From = registrytest.NewArtifact(t, 4, 100).Root, broken{}
	if _, err := s.Sync(ctx, []store.Wanted{wanted(b, "r.example/a:v1"), gone}); !errors.Is(err, errBroken) {
		t.Fatalf("error %v, want that of the network", err)
	}
	if diff := cmp.Diff(before, names(t, s)); diff != "" {
		t.Errorf("names changed (-want +got):\n%s", diff)
	}
	whole := wanted(a, "r.example/a:v1")
	whole.From = broken{}
	if !s.Complete(ctx, whole) {
		t.Error("what is here is not complete")
	}
	whole.Archs = nil
	if s.Complete(ctx, whole) {
		t.Error("one of two platforms counts as both")
	}
	whole.Archs = []arch.Arch{arch.AMD64}
	kept := wanted(c, "r.example/c:v1")
	kept.From = broken{}
	index := stat(t, s)
	if res := syncTo(t, s, whole, kept); len(res.Set)+len(res.Removed) > 0 {
		t.Errorf("nothing changed, and it says %+v", res)
	}
	if !os.SameFile(index, stat(t, s)) {
		t.Error("index.json was written again")
	}
}

func stat(t *testing.T, s *store.Store) os.FileInfo {
	t.Helper()
	info, err := os.Stat(filepath.Join(s.Dir(), "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// TestSyncNeedsTheReferrers proves that an artifact without its signatures is not
// named.
func TestSyncNeedsTheReferrers(t *testing.T) {
	ctx := context.Background()
	s := open(t)
	a := registrytest.NewArtifact(t, 1, 100)
	blobs, root, err := registry.ReferrerManifest(a.Root, registry.Document{
		MediaType: "text/plain", Data: []byte("signed"),
	})
	if err != nil {
		t.Fatal(err)
	}
	w := wanted(a, "r.example/a:v1")
	w.Referrers = []store.Referrer{{Target: root}}
	if _, err := s.Sync(ctx, []store.Wanted{w}); !errors.Is(err, oci.ErrNotFound) || len(names(t, s)) > 0 {
		t.Errorf("%v, names %v", err, names(t, s))
	}
	w.From = either{blobs, a}
	if s.Complete(ctx, w) {
		t.Error("complete without its referrer")
	}
	syncTo(t, s, w)
	if !s.Complete(ctx, w) {
		t.Error("not complete with its referrer")
	}
}

// either is a place in front of another.
type either struct{ first, then oci.Blobs }

func (e either) Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	if r, err := e.first.Open(ctx, d); err == nil {
		return r, nil
	}
	return e.then.Open(ctx, d)
}
