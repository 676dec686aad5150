package artifact

import (
	"context"
	"fmt"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// keepReferrers brings what the registry has about an artifact into the store.
// An artifact is whole without it, so that what cannot be had is only said.
func keepReferrers(g *cli.Globals, client *registry.Client, ref registry.Reference, root ocispec.Descriptor, s *store.Store) {
	found, err := client.Companions(g.Ctx, ref, root.Digest)
	if err != nil && g.Ctx.Err() == nil {
		g.Say("gadget-run: not all signatures and documents of %s were found: %v", ref, err)
	}
	var all []store.Referrer
	for _, c := range found {
		all = append(all, store.Referrer{Target: c.Root, Tag: c.Tag})
	}
	err = s.PutReferrers(g.Ctx, client.Repository(ref), root.Digest, all)
	if err != nil && g.Ctx.Err() == nil {
		g.Say("gadget-run: not all signatures and documents of %s are kept: %v", ref, err)
	}
}

// Companions lists what the store has about an artifact, to be pushed.
func Companions(s *store.Store, root digest.Digest) ([]registry.Companion, error) {
	all, err := s.Referrers(root)
	var out []registry.Companion
	for _, r := range all {
		out = append(out, registry.Companion{Root: r.Target, Tag: r.Tag})
	}
	return out, err
}

// StoredPlace is an artifact in the store with what refers to it. It implements
// sign.Place.
type StoredPlace struct {
	*store.Store
	Root digest.Digest
}

// ResolveTag implements sign.Place.
func (p StoredPlace) ResolveTag(_ context.Context, tag string) (ocispec.Descriptor, error) {
	all, err := p.Store.Referrers(p.Root)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	for _, r := range all {
		if r.Tag == tag {
			return r.Target, nil
		}
	}
	return ocispec.Descriptor{}, fmt.Errorf("the store has no tag %s: %w", tag, oci.ErrNotFound)
}

// Referrers implements sign.Place.
func (p StoredPlace) Referrers(_ context.Context, subject digest.Digest) ([]ocispec.Descriptor, error) {
	all, err := p.Store.Referrers(subject)
	var out []ocispec.Descriptor
	for _, r := range all {
		if r.Tag == "" {
			out = append(out, r.Target)
		}
	}
	return out, err
}
