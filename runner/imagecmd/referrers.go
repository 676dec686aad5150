package imagecmd

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
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
		say(g, "gadget-run: not all signatures and documents of %s were found: %v", ref, err)
	}
	var all []store.Referrer
	for _, c := range found {
		all = append(all, store.Referrer{Target: c.Root, Tag: c.Tag})
	}
	err = s.PutReferrers(g.Ctx, client.Repository(ref), root.Digest, all)
	if err != nil && g.Ctx.Err() == nil {
		say(g, "gadget-run: not all signatures and documents of %s are kept: %v", ref, err)
	}
}

// companionsOf lists what the store has about an artifact, to be pushed.
func companionsOf(s *store.Store, root digest.Digest) ([]registry.Companion, error) {
	all, err := s.Referrers(root)
	var out []registry.Companion
	for _, r := range all {
		out = append(out, registry.Companion{Root: r.Target, Tag: r.Tag})
	}
	return out, err
}

// storedPlace is an artifact in the store with what refers to it. It implements
// sign.Place.
type storedPlace struct {
	*store.Store
	root digest.Digest
}

// ResolveTag implements sign.Place.
func (p storedPlace) ResolveTag(_ context.Context, tag string) (ocispec.Descriptor, error) {
	all, err := p.Store.Referrers(p.root)
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
func (p storedPlace) Referrers(_ context.Context, subject digest.Digest) ([]ocispec.Descriptor, error) {
	all, err := p.Store.Referrers(subject)
	var out []ocispec.Descriptor
	for _, r := range all {
		if r.Tag == "" {
			out = append(out, r.Target)
		}
	}
	return out, err
}

// maxReferrerList is the size of a list in an archive, in bytes.
const maxReferrerList = 128 << 10

// partReferrers parts what an archive names: artifacts, and what refers to one
// of them. Other tools put both into index.json, with the tags of cosign 2 as
// names; what Save writes has lists of its own.
func partReferrers(ctx context.Context, from *gadget.Imported) ([]ocispec.Descriptor, map[digest.Digest][]store.Referrer) {
	roots := map[digest.Digest]bool{}
	for _, d := range from.Roots {
		roots[d.Digest] = true
	}
	referrers := map[digest.Digest][]store.Referrer{}
	var artifacts []ocispec.Descriptor
	for _, d := range from.Roots {
		tag := d.Annotations[ocispec.AnnotationRefName]
		subject, tagged := store.SubjectOfTag(tag)
		if !tagged {
			tag = ""
			if len(from.Roots) > 1 {
				subject = subjectOf(ctx, from, d)
			}
		}
		if subject == d.Digest || !roots[subject] {
			artifacts = append(artifacts, d)
			continue
		}
		referrers[subject] = append(referrers[subject], store.Referrer{Target: d, Tag: tag})
	}
	layout, ok := from.Blobs.(*oci.Layout)
	for i := 0; ok && i < len(artifacts); i++ {
		root := artifacts[i].Digest
		data, err := layout.ReadFile(referrerList(root), maxReferrerList)
		if err != nil {
			continue
		}
		listed, _ := store.ParseReferrers(data, root)
		referrers[root] = append(referrers[root], listed...)
	}
	return artifacts, referrers
}

// subjectOf returns what the manifest d refers to; nothing when it cannot be
// read, which shows again where it is stored.
func subjectOf(ctx context.Context, from oci.Blobs, d ocispec.Descriptor) digest.Digest {
	var m struct {
		Subject ocispec.Descriptor `json:"subject"`
	}
	if data, err := oci.ReadBlob(ctx, from, d, oci.MaxManifest); err != nil || json.Unmarshal(data, &m) != nil {
		return ""
	}
	return m.Subject.Digest
}
