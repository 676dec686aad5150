package artifact

import (
	"context"
	"errors"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// Source is an artifact at a place where it can be read.
type Source struct {
	// Name is its reference, or the path as the user wrote it.
	Name string
	// Reference is empty for a path.
	Reference registry.Reference
	Root      ocispec.Descriptor
	Blobs     oci.Blobs
	// Archs are the architectures that are here; empty means all.
	Archs []arch.Arch
	// Remote reports whether Blobs is a registry.
	Remote bool
	// Place has what refers to the artifact.
	Place sign.Place
	// Referrers are what a layout or an archive has about it.
	Referrers []store.Referrer
	// Release gives the place back.
	Release func()
}

// Pinned is the name with the digest.
func (s *Source) Pinned() string {
	if s.Reference == (registry.Reference{}) {
		name := strings.TrimSuffix(s.Name, "@"+s.Root.Digest.String())
		return name + "@" + s.Root.Digest.String()
	}
	return Pinned(s.Reference, s.Root.Digest.String())
}

// OpenPath opens the artifact that a path names.
func OpenPath(ctx context.Context, n Name) (*Source, error) {
	a, err := OpenArchive(ctx, n.Path)
	if err != nil {
		return nil, err
	}
	m, err := a.Select(n)
	if err != nil {
		a.Close()
		return nil, err
	}
	return &Source{
		Name: n.Text, Root: m.Root, Blobs: a.Blobs, Place: archivePlace{a.Blobs, m}, Referrers: m.Referrers, Release: a.Close,
	}, nil
}

// OpenHere opens the artifact of a path, or of the store.
func OpenHere(g *cli.Globals, text string) (*Source, error) {
	n, err := ParseName(text)
	if err != nil {
		return nil, err
	}
	if n.IsPath() {
		return OpenPath(g.Ctx, n)
	}
	return FromStore(g, text)
}

// Open opens the artifact of a path, of the store, or of its registry; of the
// store only unless remote is set, which reads the registry.
func Open(g *cli.Globals, text string, flags RegistryFlags, remote bool) (*Source, error) {
	n, err := ParseName(text)
	if err != nil && !IsDigestPrefix(text) {
		return nil, err
	}
	if n.IsPath() {
		return OpenPath(g.Ctx, n)
	}
	if !remote {
		src, err := FromStore(g, text)
		if err == nil || !errors.Is(err, oci.ErrNotFound) || IsDigestPrefix(text) {
			return src, err
		}
	}
	client, err := flags.Client(g)
	if err != nil {
		return nil, err
	}
	src, err := FromRegistry(g, client, n.Reference)
	return src, n.Explain(err)
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
	ref, err := registry.ParseReference(r.Name, registry.Defaults{})
	if err != nil {
		release()
		return nil, err
	}
	return &Source{
		Name: r.Name, Reference: ref, Root: r.Target, Blobs: s, Archs: r.Archs,
		Place: StoredPlace{s, r.Target.Digest}, Release: release,
	}, nil
}

// FromRegistry resolves a reference at its registry.
func FromRegistry(g *cli.Globals, client *registry.Client, ref registry.Reference) (*Source, error) {
	root, err := client.Resolve(g.Ctx, ref)
	if err != nil {
		return nil, err
	}
	return &Source{
		Name: ref.String(), Reference: ref, Root: root, Blobs: client.Repository(ref), Remote: true,
		Place: PlaceOf(client, ref), Release: func() {},
	}, nil
}
