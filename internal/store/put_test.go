package store_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
)

// together is a place of blobs that opens the watched ones only when all of
// them are requested at the same time.
type together struct {
	oci.Blobs
	mu      sync.Mutex
	waiting map[string]bool
	all     chan struct{}
}

func (m *together) Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	m.mu.Lock()
	waits := m.waiting[d.Digest.String()]
	if delete(m.waiting, d.Digest.String()); waits && len(m.waiting) == 0 {
		close(m.all)
	}
	m.mu.Unlock()
	if !waits {
		return m.Blobs.Open(ctx, d)
	}
	select {
	case <-m.all:
		return m.Blobs.Open(ctx, d)
	case <-time.After(10 * time.Second):
		return nil, errors.New("it is requested alone")
	}
}

// TestPutAsksAtOnce: the manifests of an index are one round trip, its layers another.
func TestPutAsksAtOnce(t *testing.T) {
	a := registrytest.NewArtifact(t, 1, 100)
	for what, all := range map[string][]ocispec.Descriptor{
		"manifests": slices.Collect(maps.Values(a.Manifests)),
		"layers":    slices.Collect(maps.Values(a.Layers)),
	} {
		t.Run(what, func(t *testing.T) {
			from := &together{Blobs: a, waiting: map[string]bool{}, all: make(chan struct{})}
			for _, d := range all {
				from.waiting[d.Digest.String()] = true
			}
			s := open(t)
			if err := s.Put(context.Background(), from, a.Root, "example.com/a:v1", nil); err != nil {
				t.Fatal(err)
			}
			checkClean(t, s)
		})
	}
}
