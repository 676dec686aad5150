package artifact

import (
	"context"
	"errors"
	"fmt"
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
	// Trust specifies who must have signed the artifact, which is decided before
	// any of its layers is fetched; may be nil.
	Trust *TrustFlags
	// Allow refuses references before any request to a registry, when
	// the digest is empty, and artifacts before they are fetched; nil allows all.
	Allow func(ref registry.Reference, d digest.Digest) error

	// Client is shared by several requests; nil makes one.
	Client *registry.Client
}

// Obtained is an artifact in the store.
type Obtained struct {
	Reference registry.Reference
	Root      ocispec.Descriptor
	Store     *store.Store
	Pulled    bool
}

// Obtain makes the requested artifact available in the store, from its
// registry where the policy allows it and a trusted key has signed it. The
// caller holds the store's content (Store.Hold) while it reads the artifact, if
// others may remove it.
func Obtain(g *cli.Globals, q Request) (Obtained, error) {
	ref, err := ParseReference(q.Reference)
	if err != nil {
		return Obtained{}, err
	}
	if q.Allow != nil {
		if err := q.Allow(ref, ""); err != nil {
			return Obtained{}, err
		}
	}
	s, err := OpenStore(g)
	if err != nil {
		return Obtained{}, err
	}
	out := Obtained{Reference: ref, Store: s}
	if q.Policy != PullAlways {
		r, err := Lookup(s, ref)
		if err == nil && (r.Covers(q.Archs) || q.Policy == PullNever) {
			out.Root = r.Target
			return out, q.admit(g, ref, r.Target, StoredPlace{s, r.Target.Digest})
		}
		if err != nil && !errors.Is(err, oci.ErrNotFound) {
			return out, err
		}
		if q.Policy == PullNever {
			return out, fmt.Errorf("%w, pull it with \"gadget-run image pull %s\" or allow it with --pull=missing", err,
				q.Reference)
		}
	}
	out.Root, err = q.pull(g, ref, s)
	out.Pulled = err == nil
	return out, err
}

// admit checks root, which ref resolves to, against the policy. stored has the
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
		Offline: q.Policy == PullNever, client: q.Client, Stored: stored,
		Here: stored == nil && q.Client.Here(ref),
	})
}

// pull copies ref from its registry into the store. The tag is
// resolved once: what is verified and what is fetched have the same digest, even if
// the tag moves meanwhile, and of an artifact that is refused only the index
// was read, into memory.
func (q Request) pull(g *cli.Globals, ref registry.Reference, s *store.Store) (root ocispec.Descriptor, err error) {
	defer func() {
		if errors.Is(err, context.Canceled) && g.Ctx.Err() != nil {
			err = cli.ErrInterrupted
		}
	}()
	if q.Client == nil {
		if q.Client, err = q.Registry.Client(g); err != nil {
			return root, err
		}
	}
	g.Say("Pulling %s...", ref)
	if root, err = q.Client.Resolve(g.Ctx, ref); err != nil {
		return root, err
	}
	if err := q.admit(g, ref, root, nil); err != nil {
		return root, err
	}
	if err := q.content(g, ref, root, s); err != nil {
		return root, err
	}
	if q.Client.Here(ref) {
		return root, sign.MarkHere(g.State, root.Digest)
	}
	return root, nil
}

// content brings root and, while its layers come, what refers to it.
func (q Request) content(g *cli.Globals, ref registry.Reference, root ocispec.Descriptor, s *store.Store) error {
	release, err := s.Hold(g.Ctx) // nothing of it has a name until the end
	if err != nil {
		return err
	}
	defer release()
	p := StartProgress(g, ref.String())
	defer p.End()
	in, err := s.Begin(g.Ctx, p.Watch(q.Client.Repository(ref)), root, StoredName(ref), q.Archs)
	if err != nil {
		return err
	}
	var background sync.WaitGroup
	background.Go(func() { keepReferrers(g, q.Client, ref, in.Manifests(), s) })
	defer background.Wait()
	return in.Finish(g.Ctx)
}
