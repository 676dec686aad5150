package imagecmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// The pull policies: when an artifact is fetched although the store may have it.
const (
	PullAlways  = "always"
	PullMissing = "missing"
	PullNever   = "never"
)

// Request names an artifact that is to be in the store.
type Request struct {
	// Reference is as the user wrote it.
	Reference string
	// Policy is PullAlways, PullMissing or PullNever.
	Policy string
	// Archs are the architectures to have; empty means all.
	Archs    []arch.Arch
	Registry RegistryFlags

	client *registry.Client // shared by several requests; nil makes one
}

// Obtained is an artifact in the store.
type Obtained struct {
	Reference registry.Reference
	Root      ocispec.Descriptor
	Store     *store.Store
	Pulled    bool
}

// Obtain makes the requested artifact available in the store, from its
// registry where the policy says so. The caller holds the store's content
// (Store.Hold) while it reads the artifact, if others may remove it.
func Obtain(g *cli.Globals, q Request) (Obtained, error) {
	ref, err := parseRef(q.Reference)
	if err != nil {
		return Obtained{}, err
	}
	s, err := openStore(g)
	if err != nil {
		return Obtained{}, err
	}
	out := Obtained{Reference: ref, Store: s}
	if q.Policy != PullAlways {
		r, err := lookup(s, ref)
		if err == nil && (covers(r, q.Archs) || q.Policy == PullNever) {
			out.Root = r.Target
			return out, nil
		}
		if err != nil && !errors.Is(err, oci.ErrNotFound) {
			return out, err
		}
		if q.Policy == PullNever {
			return out, fmt.Errorf("%w, pull it with \"gadget-run image pull %s\" or allow it with --pull=missing", err, q.Reference)
		}
	}
	say(g, "Pulling %s...", ref)
	out.Root, err = pull(g, q, ref, s)
	out.Pulled = err == nil
	return out, err
}

// pull copies ref from its registry into the store.
func pull(g *cli.Globals, q Request, ref registry.Reference, s *store.Store) (ocispec.Descriptor, error) {
	client := q.client
	if client == nil {
		var err error
		if client, err = q.Registry.Client(g); err != nil {
			return ocispec.Descriptor{}, err
		}
	}
	root, err := client.Resolve(g.Ctx, ref)
	if err == nil {
		p := startProgress(g, ref.String())
		err = s.Put(g.Ctx, watched{client.Repository(ref), p}, root, localName(ref), q.Archs)
		p.end()
	}
	if errors.Is(err, context.Canceled) && g.Ctx.Err() != nil {
		err = cli.ErrInterrupted
	}
	return root, err
}

// localName is the name of ref in the store: by tag where there is one.
func localName(ref registry.Reference) string {
	if ref.Tag != "" {
		ref.Digest = ""
	}
	return ref.String()
}

// lookup finds ref in the store. A digest is enforced: it is looked for under
// its own name, the tag's, and every other name of the repository.
func lookup(s *store.Store, ref registry.Reference) (store.Ref, error) {
	r, err := s.Lookup(localName(ref))
	if err == nil && (ref.Digest == "" || r.Target.Digest.String() == ref.Digest) {
		return r, nil
	}
	if err != nil && !errors.Is(err, oci.ErrNotFound) || ref.Digest == "" {
		return store.Ref{}, err
	}
	refs, listErr := s.List()
	for _, r := range refs {
		have, err := registry.ParseReference(r.Name, registry.Defaults{})
		if err == nil && have.Name() == ref.Name() && r.Target.Digest.String() == ref.Digest {
			return r, nil
		}
	}
	return store.Ref{}, errors.Join(fmt.Errorf("%s is not in the store %q: %w", ref, s.Dir(), oci.ErrNotFound), listErr)
}

// covers reports whether r has the content of all archs.
func covers(r store.Ref, archs []arch.Arch) bool {
	if len(r.Archs) == 0 {
		return true
	}
	for _, a := range archs {
		if !slices.Contains(r.Archs, a) {
			return false
		}
	}
	return len(archs) > 0
}
