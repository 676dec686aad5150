package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// Limits of an artifact.
const (
	maxChildren = 1024     // descriptors of one manifest or index
	maxBlobs    = 1 << 14  // blobs and manifests together
	maxHeld     = 16 << 20 // bytes of all manifests, which are held in memory
)

// graph is what an artifact consists of.
type graph struct {
	blobs     []ocispec.Descriptor // configs and layers, each once
	manifests []ocispec.Descriptor // children before parents, root last
	data      map[digest.Digest][]byte
	absent    map[digest.Digest]bool                 // manifests that the source does not hold
	children  map[digest.Digest][]ocispec.Descriptor // of the manifests in data
	held      int64                                  // bytes in data
}

// walk reads the manifests below root.
func walk(ctx context.Context, b oci.Blobs, root ocispec.Descriptor) (*graph, error) {
	g := &graph{data: map[digest.Digest][]byte{}, absent: map[digest.Digest]bool{}, children: map[digest.Digest][]ocispec.Descriptor{}}
	seen := map[digest.Digest]bool{}
	if err := g.add(ctx, b, root, seen, 0); err != nil {
		return nil, err
	}
	return g, nil
}

// maxDepth bounds how deep indexes may be nested.
const maxDepth = 4

func (g *graph) add(ctx context.Context, b oci.Blobs, d ocispec.Descriptor, seen map[digest.Digest]bool, depth int) error {
	if seen[d.Digest] {
		return nil
	}
	seen[d.Digest] = true
	if len(seen) > maxBlobs {
		return fmt.Errorf("it has more than %d blobs", maxBlobs)
	}
	if !IsManifest(d.MediaType) {
		g.blobs = append(g.blobs, d)
		return nil
	}
	if err := g.holds(d, depth); err != nil {
		return err
	}
	data, err := oci.ReadBlob(ctx, b, d, MaxManifest)
	if depth > 0 && errors.Is(err, oci.ErrNotFound) {
		g.absent[d.Digest] = true
		g.manifests = append(g.manifests, d)
		return nil
	}
	if err != nil {
		return err
	}
	children, err := Children(data)
	if err != nil {
		return fmt.Errorf("reading manifest %s: %w", d.Digest, err)
	}
	for _, child := range children {
		if err := g.add(ctx, b, child, seen, depth+1); err != nil {
			return err
		}
	}
	g.data[d.Digest], g.children[d.Digest] = data, children
	g.manifests = append(g.manifests, d)
	return nil
}

// holds checks the limits of manifests.
func (g *graph) holds(d ocispec.Descriptor, depth int) error {
	if g.held += d.Size; g.held > maxHeld {
		return fmt.Errorf("it has manifests of more than %d bytes", maxHeld)
	}
	if depth > maxDepth {
		return fmt.Errorf("manifest %s is nested deeper than %d indexes", d.Digest, maxDepth)
	}
	return nil
}

// Children lists what the manifest or index in data points to.
func Children(data []byte) ([]ocispec.Descriptor, error) {
	var m struct {
		Manifests []ocispec.Descriptor `json:"manifests"`
		Config    *ocispec.Descriptor  `json:"config"`
		Layers    []ocispec.Descriptor `json:"layers"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	all := m.Manifests
	if m.Config != nil {
		all = append(all, *m.Config)
	}
	all = append(all, m.Layers...)
	if len(all) > maxChildren {
		return nil, fmt.Errorf("it names %d blobs, at most %d are allowed", len(all), maxChildren)
	}
	for _, d := range all {
		if err := d.Digest.Validate(); err != nil {
			return nil, fmt.Errorf("digest %q: %w", d.Digest, err)
		}
		if d.Size < 0 {
			return nil, fmt.Errorf("blob %s has the size %d", d.Digest, d.Size)
		}
	}
	return all, nil
}
