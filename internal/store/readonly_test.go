package store_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

// TestReadOnly: what is stored can be read and verified where nothing can be
// written.
func TestReadOnly(t *testing.T) {
	disk := smallDisk(t)
	s, err := store.Open(filepath.Join(disk, "state"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	a := registrytest.NewArtifact(t, 1, 1000)
	put(t, s, a, "example.com/a:v1")
	putAbout(t, s, a.Root, "one")
	if err := unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if s, err = store.Open(s.Dir()); err != nil {
		t.Fatal(err)
	}
	release, err := s.Hold(ctx)
	if err != nil {
		t.Fatal(err)
	}
	release()
	if d, err := s.Resolve("example.com/a:v1"); err != nil || d.Digest != a.Root.Digest {
		t.Errorf("Resolve = %v, %v", d, err)
	}
	if about, err := s.Referrers(a.Root.Digest); err != nil || len(about) != 1 {
		t.Errorf("Referrers = %v, %v", about, err)
	}
	if _, err := s.Usage(ctx); err != nil {
		t.Errorf("Usage: %v", err)
	}
	b := registrytest.NewArtifact(t, 2, 1000)
	blobs, r := about(t, b.Root, "two")
	for name, err := range map[string]error{
		"Put":          s.Put(ctx, b, b.Root, "example.com/b:v1", nil),
		"PutReferrers": s.PutReferrers(ctx, blobs, b.Root.Digest, []store.Referrer{r}),
		"Untag":        s.Untag(ctx, "example.com/a:v1"),
	} {
		if err == nil || !strings.Contains(err.Error(), "read-only file system") {
			t.Errorf("%s: error %v, want that the file system is read-only", name, err)
		}
	}
}
