package artifact

import (
	"context"
	"errors"
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// Source is an artifact at a place where it can be read.
type Source struct {
	// Name is its reference, or the path that the user wrote.
	Name  string
	Root  ocispec.Descriptor
	Blobs oci.Blobs
	// Remote says that Blobs is a registry.
	Remote bool
	// Place has what refers to the artifact; nil when that is not known.
	Place sign.Place
	// Release gives the place back.
	Release func()
}

// OpenPath opens the one artifact of an archive or a directory.
func OpenPath(ctx context.Context, path string) (*Source, error) {
	from, roots, err := OpenArchive(ctx, path)
	if err != nil {
		return nil, err
	}
	if len(roots) != 1 {
		return nil, errors.Join(fmt.Errorf("%q holds %d artifacts, load it and name one of them", path, len(roots)), from.Close())
	}
	return &Source{
		Name: path, Root: roots[0].Root, Blobs: from, Release: func() { _ = from.Close() },
	}, nil
}

// FromStore finds an artifact in the store, whose content it holds.
func FromStore(g *cli.Globals, text string) (*Source, error) {
	s, release, err := HoldStore(g)
	if err != nil {
		return nil, err
	}
	r, err := Find(s, text)
	if err != nil {
		release()
		return nil, err
	}
	return &Source{Name: r.Name, Root: r.Target, Blobs: s, Place: StoredPlace{s, r.Target.Digest}, Release: release}, nil
}

// FromRegistry asks the registry what a reference stands for.
func FromRegistry(g *cli.Globals, client *registry.Client, text string) (*Source, error) {
	ref, err := ParseReference(text)
	if err != nil {
		return nil, err
	}
	root, err := client.Resolve(g.Ctx, ref)
	if err != nil {
		return nil, err
	}
	return &Source{
		Name: ref.String(), Root: root, Blobs: client.Repository(ref), Remote: true,
		Place: PlaceOf(client, ref), Release: func() {},
	}, nil
}
