package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

func TestFullDisk(t *testing.T) {
	disk := smallDisk(t)
	s, err := store.Open(disk + "/state")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	stored := map[string]*registrytest.Artifact{}
	for i := 0; err == nil; i++ {
		if i > 20 {
			t.Fatal("the disk is never full")
		}
		name := fmt.Sprintf("example.com/a:v%d", i)
		a := registrytest.NewArtifact(t, uint64(i), 300_000)
		blobs, r := about(t, a.Root, name)
		err = s.PutReferrers(ctx, blobs, a.Root.Digest, []store.Referrer{r})
		if err == nil {
			err = s.Put(ctx, a, a.Root, name, nil)
		}
		if err == nil {
			stored[name] = a
		}
	}
	if !strings.Contains(err.Error(), "free some space") {
		t.Errorf("full disk: %v, want the advice to free some space", err)
	}
	checkClean(t, s)
	if len(stored) == 0 {
		t.Fatal("nothing was stored before the disk was full")
	}
	for name, a := range stored {
		if d, err := s.Resolve(name); err != nil || d.Digest != a.Root.Digest {
			t.Errorf("%s: %v, %v", name, d, err)
		}
		if about, err := s.Referrers(a.Root.Digest); err != nil || len(about) != 1 {
			t.Errorf("%s: what refers to it: %v, %v", name, about, err)
		}
	}
	// The remedy works on a full disk, too.
	if _, err := s.GC(ctx, store.GCOptions{Forget: func([]store.Ref) []string {
		return []string{"example.com/a:v0"}
	}}); err != nil {
		t.Fatal(err)
	}
	checkClean(t, s)
	put(t, s, registrytest.NewArtifact(t, 100, 100_000), "example.com/b:v1")
}
