package imagecmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/sign"
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
	// Trust says who must have signed the artifact, which is decided before
	// any of its layers is fetched; nil asks nobody.
	Trust *TrustFlags
	// Allow refuses references before anything is asked of a registry, when
	// the digest is empty, and artifacts before they are fetched; nil allows all.
	Allow func(ref registry.Reference, d digest.Digest) error

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
// registry where the policy says so and whoever is trusted has signed it. The
// caller holds the store's content (Store.Hold) while it reads the artifact, if
// others may remove it.
func Obtain(g *cli.Globals, q Request) (Obtained, error) {
	ref, err := parseRef(q.Reference)
	if err != nil {
		return Obtained{}, err
	}
	if q.Allow != nil {
		if err := q.Allow(ref, ""); err != nil {
			return Obtained{}, err
		}
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
			return out, q.admit(g, ref, r.Target, storedPlace{s, r.Target.Digest})
		}
		if err != nil && !errors.Is(err, oci.ErrNotFound) {
			return out, err
		}
		if q.Policy == PullNever {
			return out, fmt.Errorf("%w, pull it with \"gadget-run image pull %s\" or allow it with --pull=missing", err, q.Reference)
		}
	}
	out.Root, err = q.pull(g, ref, s)
	out.Pulled = err == nil
	return out, err
}

// admit asks the policy about root, which ref stands for. stored has the
// signatures that came with it when it is here.
func (q Request) admit(g *cli.Globals, ref registry.Reference, root ocispec.Descriptor, stored sign.Place) error {
	if q.Allow != nil {
		if err := q.Allow(ref, root.Digest); err != nil {
			return err
		}
	}
	if q.Trust == nil {
		return nil
	}
	return Admit(g, Admission{
		Trust: *q.Trust, Registry: q.Registry, Reference: ref, Digest: root.Digest,
		Offline: q.Policy == PullNever, client: q.client, stored: stored,
	})
}

// pull copies ref from its registry into the store. What the tag stands for is
// asked once: what is verified and what is fetched have the same digest, even if
// the tag moves meanwhile, and of an artifact that is refused only the index
// was read, into memory.
func (q Request) pull(g *cli.Globals, ref registry.Reference, s *store.Store) (root ocispec.Descriptor, err error) {
	defer func() {
		if errors.Is(err, context.Canceled) && g.Ctx.Err() != nil {
			err = cli.ErrInterrupted
		}
	}()
	if q.client == nil {
		if q.client, err = q.Registry.Client(g); err != nil {
			return root, err
		}
	}
	say(g, "Pulling %s...", ref)
	if root, err = q.client.Resolve(g.Ctx, ref); err != nil {
		return root, err
	}
	if err := q.admit(g, ref, root, nil); err != nil {
		return root, err
	}
	return root, q.content(g, ref, root, s)
}

// content brings root and, while its layers come, what refers to it.
func (q Request) content(g *cli.Globals, ref registry.Reference, root ocispec.Descriptor, s *store.Store) error {
	release, err := s.Hold(g.Ctx) // nothing of it has a name until the end
	if err != nil {
		return err
	}
	defer release()
	p := startProgress(g, ref.String())
	defer p.end()
	in, err := s.Begin(g.Ctx, watched{q.client.Repository(ref), p}, root, localName(ref), q.Archs)
	if err != nil {
		return err
	}
	var along sync.WaitGroup
	along.Go(func() { keepReferrers(g, q.client, ref, root, s) })
	defer along.Wait()
	return in.Finish(g.Ctx)
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
