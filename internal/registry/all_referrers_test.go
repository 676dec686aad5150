package registry_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
)

// withReferrers is an artifact with a document and what cosign 2 keeps under
// a tag, in one place.
func withReferrers(t *testing.T) (*registrytest.Artifact, []registry.Referrer) {
	t.Helper()
	a, sig := registrytest.NewArtifact(t, 1, 1000), registrytest.NewArtifact(t, 2, 10)
	blobs, d, err := registry.ReferrerManifest(a.Root, registry.Document{MediaType: statement, Data: []byte(`{"a":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(a.Memory, blobs)
	maps.Copy(a.Memory, sig.Memory)
	return a, []registry.Referrer{{Root: d}, {
		Root: sig.Root, Tag: strings.Replace(a.Root.Digest.String(), ":", "-", 1) + ".sig",
	}}
}

func TestPushWithReferrers(t *testing.T) {
	for name, addr := range referrerServers(t) {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			a, referrers := withReferrers(t)
			c, ref := newClient(t, registry.Options{}).WithShortTimeouts(), parse(t, addr+"/with/g:v1")
			q := registry.PushRequest{Blobs: a, Root: a.Root, Referrers: referrers, Repository: ref, Tags: []string{"v1"}}
			q.DryRun = true
			if _, err := c.Push(ctx, q); err != nil {
				t.Fatal(err)
			}
			q.DryRun = false
			if found, err := c.AllReferrers(ctx, ref, a.Root.Digest); err != nil || len(found) > 0 {
				t.Fatalf("a dry run left %v, %v", found, err)
			}
			if res, err := c.Push(ctx, q); err != nil || res.Unchanged() {
				t.Fatalf("%+v, %v", res, err)
			}
			found, err := c.AllReferrers(ctx, ref, a.Root.Digest)
			if err != nil || len(found) != 2 || found[0].Tag != referrers[1].Tag ||
				found[1].Root.Digest != referrers[0].Root.Digest {
				t.Errorf("got %+v, %v; want %+v", found, err, referrers)
			}
			if res, err := c.Push(ctx, q); err != nil || !res.Unchanged() {
				t.Errorf("a second push: %+v, %v; want nothing to do", res, err)
			}
			// Signatures of others under the tag stay.
			other := registrytest.NewArtifact(t, 3, 10)
			maps.Copy(a.Memory, other.Memory)
			q.Referrers = []registry.Referrer{{Root: other.Root, Tag: referrers[1].Tag}}
			if _, err := c.Push(ctx, q); err != nil {
				t.Fatal(err)
			}
			at := ref
			at.Tag = referrers[1].Tag
			if d, err := c.Resolve(ctx, at); err != nil || d.Digest != referrers[1].Root.Digest {
				t.Errorf("the tag of signatures refers to %v, %v", d, err)
			}
		})
	}
}

// TestTagsComeAfterReferrers: no client finds the artifact without them.
func TestTagsComeAfterReferrers(t *testing.T) {
	srv := registrytest.Start(t, registrytest.Config{})
	var mu sync.Mutex
	var order []string
	front := registrytest.NewProxy(t, srv.Addr, func(r *http.Request, _ int) registrytest.Fault {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:])
		}
		return registrytest.Fault{}
	})
	a, referrers := withReferrers(t)
	ref := parse(t, front.Addr+"/order/g:v1")
	q := registry.PushRequest{Blobs: a, Root: a.Root, Referrers: referrers, Repository: ref, Tags: []string{"v1"}}
	if _, err := newClient(t, registry.Options{}).WithShortTimeouts().Push(context.Background(), q); err != nil {
		t.Fatal(err)
	}
	root, doc, tag := slices.Index(order, a.Root.Digest.String()), slices.Index(order, referrers[0].Root.Digest.String()),
		slices.Index(order, "v1")
	if root < 0 || doc < root || tag != len(order)-1 {
		t.Errorf("order %q: want the artifact, what belongs to it, the tag", order)
	}
	// A referrer that cannot be read keeps the tags from moving.
	order = nil
	broken := without{a, referrers[0].Root}
	q.Blobs, q.Tags = broken, []string{"v2"}
	if _, err := newClient(t, registry.Options{}).WithShortTimeouts().Push(context.Background(), q); err == nil ||
		slices.Contains(order, "v2") {
		t.Errorf("error %v, order %q; want no tag", err, order)
	}
}

// without is a place that lacks one blob.
type without struct {
	oci.Blobs
	gone ocispec.Descriptor
}

func (w without) Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	if d.Digest == w.gone.Digest {
		return nil, oci.ErrNotFound
	}
	return w.Blobs.Open(ctx, d)
}
