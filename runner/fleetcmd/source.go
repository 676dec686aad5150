package fleetcmd

import (
	"context"
	"fmt"
	"io"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/lockfile"
)

// source is where gadgets come from: their registries, or an archive.
type source struct {
	client  *registry.Client
	archive *artifact.Archive
	path    string
}

// open opens the source, and finds all gadgets in an archive before anything is
// taken.
func (c *Sync) open(g *cli.Globals, lock lockfile.Lock) (*source, error) {
	if c.From == "" {
		client, err := c.Client(g)
		return &source{client: client}, err
	}
	n := artifact.ParsePath(string(c.From))
	archive, err := artifact.OpenArchive(g.Ctx, n.Path)
	if err != nil {
		return nil, err
	}
	src := &source{archive: archive, path: n.Path}
	for _, l := range lock.Gadgets {
		if !slices.ContainsFunc(archive.Members, func(m artifact.Member) bool { return m.Root.Digest == l.Digest }) {
			src.close()
			return nil, fmt.Errorf("the archive %q does not have %s (%s), sync where there is a registry and save it there: "+
				"gadget-run image save %s", src.path, l.Name, l.Digest, l.Name)
		}
	}
	return src, nil
}

func (s *source) close() {
	if s.archive != nil {
		s.archive.Close()
	}
}

// blobs is where the content of a gadget is read.
func (s *source) blobs(l lockfile.Gadget) (oci.Blobs, error) {
	if s.archive != nil {
		return s.archive, nil
	}
	ref, err := l.Reference()
	return s.client.Repository(ref), err
}

// mark remembers which gadgets came from a registry of this machine.
func (s *source) mark(g *cli.Globals, lock lockfile.Lock) error {
	for _, l := range lock.Gadgets {
		ref, err := l.Reference()
		if err != nil {
			return err
		}
		if s.client == nil || !s.client.Here(ref) {
			continue
		}
		if err := sign.MarkHere(g.State, l.Digest); err != nil {
			return err
		}
	}
	return nil
}

// storeFirst reads what the store has from there.
type storeFirst struct {
	store *store.Store
	oci.Blobs
}

// Open implements oci.Blobs.
func (b storeFirst) Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	if b.store.Has(d) {
		return b.store.Open(ctx, d)
	}
	return b.Blobs.Open(ctx, d)
}

// OpenAt resumes an interrupted transfer where the source supports it.
func (b storeFirst) OpenAt(ctx context.Context, d ocispec.Descriptor, offset int64) (io.ReadCloser, error) {
	if ranged, ok := b.Blobs.(interface {
		OpenAt(context.Context, ocispec.Descriptor, int64) (io.ReadCloser, error)
	}); ok {
		return ranged.OpenAt(ctx, d, offset)
	}
	r, err := b.Blobs.Open(ctx, d)
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(io.Discard, r, offset); err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}
