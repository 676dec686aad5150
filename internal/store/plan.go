package store

import (
	"context"
	"fmt"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// Limits of what is accepted, in addition to those of oci.
const (
	MaxBlob     = 256 << 20 // bytes of one blob: the largest that a layer may have
	MaxArtifact = 2 << 30   // bytes of one artifact
	maxParallel = 6         // blobs transferred at once
)

// plan is what there is to take of an artifact, and how much it is.
type plan struct {
	store *Store
	from  oci.Blobs
	archs []arch.Arch

	seen      map[string]bool
	size      int64
	held      int64                    // bytes of the manifests that were accounted for
	ahead     map[digest.Digest][]byte // manifests that were read before their turn
	created   string
	leaves    []ocispec.Descriptor
	manifests []manifest // children before parents, so that the last is the root
}

func newPlan(s *Store, from oci.Blobs, archs []arch.Arch) *plan {
	return &plan{store: s, from: from, archs: archs, seen: map[string]bool{}, ahead: map[digest.Digest][]byte{}}
}

// manifest is a manifest or index that was read and not yet stored.
type manifest struct {
	desc ocispec.Descriptor
	data []byte
}

// missing describes what of the plan is not here. The manifests are, which were read.
func (p *plan) missing() error {
	for _, d := range p.leaves {
		if !p.store.Has(d) {
			return fmt.Errorf("blob %s is missing or has another size", d.Digest)
		}
	}
	return nil
}

// add reads the manifest d and those below it, and notes what to take.
func (p *plan) add(ctx context.Context, d ocispec.Descriptor, depth int) error {
	if p.seen[d.Digest.String()] {
		return nil
	}
	p.seen[d.Digest.String()] = true
	if err := p.account(d, depth); err != nil {
		return err
	}
	if !oci.IsManifest(d.MediaType) {
		if depth == 0 {
			return fmt.Errorf("%s is of type %q, which is not an OCI manifest", d.Digest, d.MediaType)
		}
		p.leaves = append(p.leaves, d)
		return nil
	}
	data, err := p.next(ctx, d)
	if err != nil {
		return err
	}
	m, err := oci.ParseManifest(data)
	if err != nil {
		return fmt.Errorf("reading manifest %s: %w", d.Digest, err)
	}
	if depth == 0 {
		p.created = m.Annotations[ocispec.AnnotationCreated]
	}
	below, err := children(m, p.archs)
	if err != nil {
		return err
	}
	if err := p.readAhead(ctx, below, depth+1); err != nil {
		return err
	}
	for _, child := range below {
		if err := p.add(ctx, child, depth+1); err != nil {
			return err
		}
	}
	p.manifests = append(p.manifests, manifest{d, data})
	return nil
}

// account checks d against the limits.
func (p *plan) account(d ocispec.Descriptor, depth int) error {
	if err := oci.CheckDigest(d.Digest); err != nil {
		return err
	}
	limit := int64(MaxBlob)
	if oci.IsManifest(d.MediaType) {
		limit = oci.MaxManifest
		p.held += d.Size
	}
	switch {
	case p.held > oci.MaxHeld:
		return fmt.Errorf("the artifact has manifests of more than %d bytes", oci.MaxHeld)
	case len(p.seen) > oci.MaxBlobs:
		return fmt.Errorf("the artifact has more than %d blobs", oci.MaxBlobs)
	case d.Size < 0 || d.Size > limit:
		return fmt.Errorf("%s has %d bytes, at most %d are allowed", d.Digest, d.Size, limit)
	case depth > oci.MaxDepth:
		return fmt.Errorf("manifest %s is nested deeper than %d indexes", d.Digest, oci.MaxDepth)
	}
	p.size += d.Size
	if p.size > MaxArtifact {
		return fmt.Errorf("the artifact has more than %d bytes", int64(MaxArtifact))
	}
	return nil
}

// readAhead reads several manifests at once, which else would be a round trip
// each. What is over a limit is left to add, when its turn comes.
func (p *plan) readAhead(ctx context.Context, below []ocispec.Descriptor, depth int) error {
	var next []ocispec.Descriptor
	room := oci.MaxHeld - p.held
	for _, data := range p.ahead {
		room -= int64(len(data))
	}
	for _, d := range below {
		fits := oci.CheckDigest(d.Digest) == nil && d.Size >= 0 && d.Size <= min(room, oci.MaxManifest) &&
			depth <= oci.MaxDepth
		if oci.IsManifest(d.MediaType) && fits && !p.seen[d.Digest.String()] {
			room -= d.Size
			next = append(next, d)
		}
	}
	if len(next) < 2 {
		return nil
	}
	read := make([][]byte, len(next))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(maxParallel)
	for i, d := range next {
		group.Go(func() (err error) {
			read[i], err = p.read(gctx, d)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, d := range next {
		p.ahead[d.Digest] = read[i]
	}
	return nil
}

// next returns a manifest, which may have been read ahead.
func (p *plan) next(ctx context.Context, d ocispec.Descriptor) ([]byte, error) {
	if data, ok := p.ahead[d.Digest]; ok {
		delete(p.ahead, d.Digest)
		return data, nil
	}
	return p.read(ctx, d)
}

// read returns a manifest, from here when it is here.
func (p *plan) read(ctx context.Context, d ocispec.Descriptor) ([]byte, error) {
	if p.store.Has(d) {
		if data, err := oci.ReadBlob(ctx, p.store, d, oci.MaxManifest); err == nil {
			return data, nil
		}
	}
	return oci.ReadBlob(ctx, p.from, d, oci.MaxManifest)
}

// children lists what to take: everything of a manifest, and of an index the
// manifests for archs (all when it is empty).
func children(m oci.Manifest, archs []arch.Arch) ([]ocispec.Descriptor, error) {
	if len(archs) == 0 || len(m.Manifests) == 0 {
		return m.Children(), nil
	}
	index := m.Manifests
	m.Manifests = nil
	all := m.Children()
	var failed error
	found := 0
	for _, a := range archs {
		d, err := oci.SelectManifest(ocispec.Index{Manifests: index}, a)
		if err != nil {
			failed = err
			continue
		}
		found++
		all = append(all, d)
	}
	if found == 0 {
		return nil, failed
	}
	return all, nil
}
