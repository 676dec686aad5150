package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
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
	g := &graph{
		data: map[digest.Digest][]byte{}, absent: map[digest.Digest]bool{},
		children: map[digest.Digest][]ocispec.Descriptor{},
	}
	seen := map[digest.Digest]bool{}
	if err := g.add(ctx, b, root, seen, 0); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *graph) add(ctx context.Context, b oci.Blobs, d ocispec.Descriptor, seen map[digest.Digest]bool,
	depth int,
) error {
	if seen[d.Digest] {
		return nil
	}
	seen[d.Digest] = true
	if len(seen) > oci.MaxBlobs {
		return fmt.Errorf("it has more than %d blobs", oci.MaxBlobs)
	}
	if !oci.IsManifest(d.MediaType) {
		g.blobs = append(g.blobs, d)
		return nil
	}
	if err := g.holds(d, depth); err != nil {
		return err
	}
	data, err := oci.ReadBlob(ctx, b, d, oci.MaxManifest)
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
	if g.held += d.Size; g.held > oci.MaxHeld {
		return fmt.Errorf("it has manifests of more than %d bytes", oci.MaxHeld)
	}
	if depth > oci.MaxDepth {
		return fmt.Errorf("manifest %s is nested deeper than %d indexes", d.Digest, oci.MaxDepth)
	}
	return nil
}

// Children lists what the manifest or index in data points to.
func Children(data []byte) ([]ocispec.Descriptor, error) {
	m, err := oci.ParseManifest(data)
	if err != nil {
		return nil, err
	}
	all := m.Children()
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
