package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// Limits of what is taken in.
const (
	MaxManifest = 4 << 20   // bytes of one manifest or index
	MaxBlob     = 256 << 20 // bytes of one blob: the largest that a layer may have
	MaxArtifact = 2 << 30   // bytes of one artifact
	maxHeld     = 16 << 20  // bytes of all manifests of an artifact, which are held in memory
	maxChildren = 1024      // descriptors of one manifest or index
	maxBlobs    = 1 << 14   // blobs of one artifact
	maxDepth    = 4         // indexes within indexes
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

// missing says what of the plan is not here. The manifests are, which were read.
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
	if !isManifest(d.MediaType) {
		if depth == 0 {
			return fmt.Errorf("%s is of type %q, which is no OCI manifest", d.Digest, d.MediaType)
		}
		p.leaves = append(p.leaves, d)
		return nil
	}
	data, err := p.next(ctx, d)
	if err != nil {
		return err
	}
	m, err := parseManifest(data)
	if err != nil {
		return fmt.Errorf("reading manifest %s: %w", d.Digest, err)
	}
	if depth == 0 {
		p.created = m.Annotations[ocispec.AnnotationCreated]
	}
	children, err := m.children(p.archs)
	if err != nil {
		return err
	}
	if err := p.readAhead(ctx, children, depth+1); err != nil {
		return err
	}
	for _, child := range children {
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
	if isManifest(d.MediaType) {
		limit = MaxManifest
		p.held += d.Size
	}
	switch {
	case p.held > maxHeld:
		return fmt.Errorf("the artifact has manifests of more than %d bytes", maxHeld)
	case len(p.seen) > maxBlobs:
		return fmt.Errorf("the artifact has more than %d blobs", maxBlobs)
	case d.Size < 0 || d.Size > limit:
		return fmt.Errorf("%s has %d bytes, at most %d are allowed", d.Digest, d.Size, limit)
	case depth > maxDepth:
		return fmt.Errorf("manifest %s is nested deeper than %d indexes", d.Digest, maxDepth)
	}
	p.size += d.Size
	if p.size > MaxArtifact {
		return fmt.Errorf("the artifact has more than %d bytes", int64(MaxArtifact))
	}
	return nil
}

// readAhead reads several manifests at once, which else would be a round trip
// each. What is over a limit is left to add, when its turn comes.
func (p *plan) readAhead(ctx context.Context, children []ocispec.Descriptor, depth int) error {
	var next []ocispec.Descriptor
	room := maxHeld - p.held
	for _, data := range p.ahead {
		room -= int64(len(data))
	}
	for _, d := range children {
		fits := oci.CheckDigest(d.Digest) == nil && d.Size >= 0 && d.Size <= min(room, MaxManifest) && depth <= maxDepth
		if isManifest(d.MediaType) && fits && !p.seen[d.Digest.String()] {
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
		if data, err := oci.ReadBlob(ctx, p.store, d, MaxManifest); err == nil {
			return data, nil
		}
	}
	return oci.ReadBlob(ctx, p.from, d, MaxManifest)
}

// parsedManifest is what the store needs to know of a manifest or an index.
type parsedManifest struct {
	Manifests   []ocispec.Descriptor `json:"manifests"`
	Config      *ocispec.Descriptor  `json:"config"`
	Layers      []ocispec.Descriptor `json:"layers"`
	Annotations map[string]string    `json:"annotations"`

	ArtifactType string              `json:"artifactType"`
	Subject      *ocispec.Descriptor `json:"subject"`
}

func parseManifest(data []byte) (parsedManifest, error) {
	var m parsedManifest
	if err := json.Unmarshal(data, &m); err != nil {
		return m, err
	}
	if n := len(m.Manifests) + len(m.Layers); n > maxChildren {
		return m, fmt.Errorf("it names %d blobs, at most %d are allowed", n, maxChildren)
	}
	return m, nil
}

// children lists what to take: everything of a manifest, and of an index the
// manifests for archs (all when it is empty).
func (m parsedManifest) children(archs []arch.Arch) ([]ocispec.Descriptor, error) {
	all := slices.Clone(m.Layers)
	if m.Config != nil {
		all = append(all, *m.Config)
	}
	if len(archs) == 0 || len(m.Manifests) == 0 {
		return append(all, m.Manifests...), nil
	}
	var failed error
	found := 0
	for _, a := range archs {
		d, err := oci.SelectManifest(ocispec.Index{Manifests: m.Manifests}, a)
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

// manifestTypes are the media types of manifests and indexes; docker's have
// the same structure.
var manifestTypes = []string{
	ocispec.MediaTypeImageIndex,
	ocispec.MediaTypeImageManifest,
	"application/vnd.docker.distribution.manifest.list.v2+json",
	"application/vnd.docker.distribution.manifest.v2+json",
}

func isManifest(mediaType string) bool { return slices.Contains(manifestTypes, mediaType) }
