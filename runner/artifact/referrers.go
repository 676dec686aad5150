package artifact

import (
	"context"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// keepReferrers brings what the registry has about the manifests of an artifact,
// the root first, into the store. An artifact is complete without it, so that what
// is unavailable only causes a warning.
func keepReferrers(g *cli.Globals, client *registry.Client, ref registry.Reference, manifests []digest.Digest,
	s *store.Store,
) {
	found, err := client.AllReferrers(g.Ctx, ref, manifests...)
	if err != nil && g.Ctx.Err() == nil {
		g.Say("gadget-run: not all signatures and documents of %s were found: %v", ref, err)
	}
	var all []store.Referrer
	for _, c := range found {
		all = append(all, store.Referrer{Target: c.Root, Subject: c.Subject, Tag: c.Tag})
	}
	err = s.PutReferrers(g.Ctx, client.Repository(ref), manifests[0], all)
	if err != nil && g.Ctx.Err() == nil {
		g.Say("gadget-run: not all signatures and documents of %s are kept: %v", ref, err)
	}
}

// Referrers are those of what a store or an archive has that belong to the
// artifact root, to be pushed with it.
func Referrers(ctx context.Context, from oci.Blobs, root ocispec.Descriptor,
	all []store.Referrer,
) []registry.Referrer {
	var out []registry.Referrer
	for _, r := range belonging(manifestsOf(ctx, from, root), all) {
		out = append(out, registry.Referrer{Root: r.Target, Subject: r.Subject, Tag: r.Tag})
	}
	return out
}

// belonging are those of all that refer to one of the manifests, or to what does.
func belonging(manifests []digest.Digest, all []store.Referrer) []store.Referrer {
	about := map[digest.Digest][]store.Referrer{}
	for _, r := range all {
		about[r.Subject] = append(about[r.Subject], r)
	}
	var out []store.Referrer
	for subjects := slices.Clone(manifests); len(subjects) > 0; subjects = subjects[1:] {
		for _, r := range about[subjects[0]] {
			out = append(out, r)
			subjects = append(subjects, r.Target.Digest)
		}
		delete(about, subjects[0])
	}
	return out
}

// manifestsOf lists the manifest root and those below it, here or not.
func manifestsOf(ctx context.Context, from oci.Blobs, root ocispec.Descriptor) []digest.Digest {
	all := []ocispec.Descriptor{root}
	seen := map[digest.Digest]bool{root.Digest: true}
	held := int64(0)
	for i := 0; i < len(all) && len(all) < oci.MaxBlobs; i++ {
		if held += all[i].Size; held > oci.MaxHeld {
			break // what is too large is refused where it is used
		}
		data, err := oci.ReadBlob(ctx, from, all[i], oci.MaxManifest)
		if err != nil {
			continue
		}
		m, err := oci.ParseManifest(data)
		if err != nil {
			continue
		}
		for _, d := range m.Manifests {
			if !seen[d.Digest] {
				seen[d.Digest] = true
				all = append(all, d)
			}
		}
	}
	var digests []digest.Digest
	for _, d := range all {
		digests = append(digests, d.Digest)
	}
	return digests
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
	all, err := p.Store.Referrers(p.Root)
	return referrersOf(subject, all), err
}

// referrersOf are those of all that refer to subject, without those that have a
// tag.
func referrersOf(subject digest.Digest, all []store.Referrer) []ocispec.Descriptor {
	var out []ocispec.Descriptor
	for _, r := range all {
		if r.Tag == "" && r.Subject == subject {
			out = append(out, r.Target)
		}
	}
	return out
}
