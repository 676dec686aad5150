package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// Put copies the artifact root out of from and sets name to it. Of an
// index only the manifests of archs are taken, or all when archs is empty.
// What is here already is not read again. On an error name is unchanged.
func (s *Store) Put(ctx context.Context, from oci.Blobs, root ocispec.Descriptor, name string,
	archs []arch.Arch,
) error {
	release, err := s.Hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	in, err := s.Begin(ctx, from, root, name, archs)
	if err != nil {
		return err
	}
	return in.Finish(ctx)
}

// Incoming is an artifact of which the manifests are known and the rest may
// still be elsewhere.
type Incoming struct {
	plan *plan
	ref  Ref
}

// Begin is the first half of Put: it reads the manifests, and nothing is
// stored. The caller holds the content from before Begin until after Finish.
func (s *Store) Begin(ctx context.Context, from oci.Blobs, root ocispec.Descriptor, name string,
	archs []arch.Arch,
) (*Incoming, error) {
	archs = s.withHeld(name, root, archs)
	p := newPlan(s, from, archs)
	if err := p.add(ctx, root, 0); err != nil {
		return nil, fmt.Errorf("storing %s: %w", name, err)
	}
	root.Annotations, root.Data, root.URLs = nil, nil, nil
	return &Incoming{p, Ref{
		Name: name, Target: root, Archs: archs, Size: p.size,
		Created: p.created, Stored: time.Now().UTC().Truncate(time.Second),
	}}, nil
}

// Manifests are the digests of the manifests that were read, the root first.
func (in *Incoming) Manifests() []digest.Digest {
	var all []digest.Digest
	for _, m := range slices.Backward(in.plan.manifests) {
		all = append(all, m.desc.Digest)
	}
	return all
}

// Finish is the second half of Put. What waits for the disk does so while the
// network is waited for.
func (in *Incoming) Finish(ctx context.Context) error {
	s := in.plan.store
	c := change{set: []Ref{in.ref}}
	var group errgroup.Group
	group.Go(func() error {
		if err := in.plan.take(ctx); err != nil {
			return fmt.Errorf("storing %s: %w", in.ref.Name, err)
		}
		return nil
	})
	group.Go(func() (err error) {
		c.staged, err = s.stageRef(in.ref)
		return err
	})
	if err := group.Wait(); err != nil {
		return errors.Join(err, discard(c.staged))
	}
	return s.apply(ctx, c)
}

// take brings here what was planned and makes it last. No manifest gets its
// name before all the blobs are there.
func (p *plan) take(ctx context.Context) error {
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(maxParallel)
	for _, d := range p.leaves {
		group.Go(func() error { return p.store.ingest(gctx, p.from, d) })
	}
	staged := make([]string, len(p.manifests))
	for i, m := range p.manifests {
		group.Go(func() (err error) {
			if p.store.Has(m.desc) {
				return p.store.syncBlob(m.desc)
			}
			staged[i], err = p.store.stage(m.data, true)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return errors.Join(err, discard(staged...))
	}
	for i, m := range p.manifests {
		if staged[i] == "" {
			continue
		}
		if err := p.store.place(staged[i], blobName(m.desc)); err != nil {
			return errors.Join(err, discard(staged[i+1:]...))
		}
	}
	return p.store.syncDir(blobsDir)
}

// discard removes staged files; an empty name is none.
func discard(staged ...string) error {
	var errs []error
	for _, name := range staged {
		if name != "" {
			errs = append(errs, os.Remove(name))
		}
	}
	return errors.Join(errs...)
}

// withHeld adds to archs those that name holds of root already, so that a
// second Put of the same artifact does not forget them.
func (s *Store) withHeld(name string, root ocispec.Descriptor, archs []arch.Arch) []arch.Arch {
	r, err := s.Lookup(name)
	if err != nil || r.Target.Digest != root.Digest || len(archs) == 0 {
		return archs
	}
	if len(r.Archs) == 0 {
		return nil
	}
	all := slices.Concat(archs, r.Archs)
	slices.Sort(all)
	return slices.Compact(all)
}
