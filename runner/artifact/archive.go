package artifact

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// containerdName is the annotation in which containerd and buildx keep the whole
// name; others use the one of the image specification.
const containerdName = "io.containerd.image.name"

// Archive is a layout or an archive with the artifacts in it.
type Archive struct {
	oci.Blobs
	// Members are the artifacts, in the archive's order.
	Members []Member

	path  string
	close func()
}

// Member is an artifact of an archive.
type Member struct {
	// Name is what the archive calls it, empty when it does not.
	Name string
	Root ocispec.Descriptor
	// Referrers are what of the archive refers to it.
	Referrers []store.Referrer
}

// OpenArchive opens a layout directory or its tar, a docker-archive, either
// compressed or not, or a directory of files that "image build" made.
func OpenArchive(ctx context.Context, path string) (*Archive, error) {
	plain, remove, err := unpacked(ctx, path)
	if err != nil {
		return nil, err
	}
	from, err := gadget.Import(ctx, plain)
	if err != nil {
		remove()
		return nil, err
	}
	a := &Archive{Blobs: from, path: path, close: func() { _ = from.Close(); remove() }}
	artifacts, referrers := partReferrers(ctx, from)
	for _, d := range artifacts {
		name := d.Annotations[containerdName]
		if name == "" {
			name = d.Annotations[ocispec.AnnotationRefName]
		}
		a.Members = append(a.Members, Member{name, d, referrers[d.Digest]})
	}
	return a, nil
}

// Close gives back what the archive holds open.
func (a *Archive) Close() { a.close() }

// Select returns the artifact that n chooses, by name, by digest, or because it
// is the only one.
func (a *Archive) Select(n Name) (Member, error) {
	var found []Member
	for _, m := range a.Members {
		if (n.Member == "" || m.is(n.Member)) && (n.Digest == "" || m.Root.Digest == n.Digest) {
			found = append(found, m)
		}
	}
	same := func(m Member) bool { return m.Root.Digest == found[0].Root.Digest }
	switch {
	case len(found) > 0 && !slices.ContainsFunc(found, func(m Member) bool { return !same(m) }):
		return found[0], nil
	case len(found) > 0:
		return Member{}, cli.Usage(fmt.Errorf("%q holds %d artifacts, choose one: %s", n.Text, len(found), a.choices(found)))
	case len(a.Members) == 0:
		return Member{}, fmt.Errorf("%q holds no artifact: %w", n.Text, oci.ErrNotFound)
	case n.Digest != "" && n.Member == "" && len(a.Members) == 1:
		return Member{}, fmt.Errorf("%q has the digest %s, not %s: %w", a.path, a.Members[0].Root.Digest, n.Digest, oci.ErrNotFound)
	}
	return Member{}, fmt.Errorf("%q is not in the archive, it has %s: %w", n.Text, a.choices(a.Members), oci.ErrNotFound)
}

// is reports whether name is what the archive, or its tool, calls m.
func (m Member) is(name string) bool {
	if name == m.Name || name == m.Root.Annotations[ocispec.AnnotationRefName] {
		return true
	}
	ref, err := parseReference(name)
	have, haveErr := registry.ParseReference(m.Name, registry.Defaults{})
	return err == nil && haveErr == nil && ref == have
}

// choices lists members as the user can write them.
func (a *Archive) choices(members []Member) string {
	var all []string
	for _, m := range members {
		text := "oci:" + a.path
		if m.Name != "" {
			text += ":" + m.Name
		} else {
			text += "@" + m.Root.Digest.String()
		}
		all = append(all, fmt.Sprintf("%q", text))
	}
	return strings.Join(all, ", ")
}

// maxReferrerList is the size of a list in an archive, in bytes.
const maxReferrerList = 128 << 10

// partReferrers parts what an archive names: artifacts, and what refers to one
// of them. Other tools put both into index.json, with the tags of cosign 2 as
// names, and some the platforms' manifests beside the index that has them; what
// Save writes has lists of its own.
func partReferrers(ctx context.Context, from *gadget.Imported) ([]ocispec.Descriptor, map[digest.Digest][]store.Referrer) {
	manifests := readRoots(ctx, from)
	referrers := map[digest.Digest][]store.Referrer{}
	var artifacts []ocispec.Descriptor
	for _, d := range from.Roots {
		tag := d.Annotations[ocispec.AnnotationRefName]
		subject, tagged := store.SubjectOfTag(tag)
		if !tagged {
			tag = ""
			if s := manifests[d.Digest].Subject; s != nil {
				subject = s.Digest
			}
		}
		_, known := manifests[subject]
		switch {
		case subject != d.Digest && known:
			referrers[subject] = append(referrers[subject], store.Referrer{Target: d, Tag: tag})
		case !isPart(d, manifests):
			artifacts = append(artifacts, d)
		}
	}
	layout, ok := from.Blobs.(*oci.Layout)
	for i := 0; ok && i < len(artifacts); i++ {
		root := artifacts[i].Digest
		data, err := layout.ReadFile(ReferrerList(root), maxReferrerList)
		if err != nil {
			continue
		}
		listed, _ := store.ParseReferrers(data, root)
		referrers[root] = append(referrers[root], listed...)
	}
	return artifacts, referrers
}

// readRoots reads the manifests of the roots. One that cannot be read is empty,
// which shows again where it is used.
func readRoots(ctx context.Context, from *gadget.Imported) map[digest.Digest]oci.Manifest {
	all := map[digest.Digest]oci.Manifest{}
	for _, d := range from.Roots {
		all[d.Digest] = oci.Manifest{}
		if len(from.Roots) == 1 {
			continue // there is nothing that it could belong to
		}
		var m oci.Manifest
		if data, err := oci.ReadBlob(ctx, from, d, oci.MaxManifest); err == nil && json.Unmarshal(data, &m) == nil {
			all[d.Digest] = m
		}
	}
	return all
}

// isPart reports whether d has no name of its own and is of an index beside it.
func isPart(d ocispec.Descriptor, roots map[digest.Digest]oci.Manifest) bool {
	if d.Annotations[ocispec.AnnotationRefName] != "" || d.Annotations[containerdName] != "" {
		return false
	}
	for root, m := range roots {
		if root != d.Digest && slices.ContainsFunc(m.Manifests, func(c ocispec.Descriptor) bool { return c.Digest == d.Digest }) {
			return true
		}
	}
	return false
}

// ReferrerList is the file of an archive that lists what refers to an artifact.
func ReferrerList(root digest.Digest) string {
	return path.Join(store.ReferrersDir, root.Encoded()+".json")
}

// archivePlace is an artifact of an archive with what refers to it. It
// implements sign.Place.
type archivePlace struct {
	oci.Blobs
	member Member
}

// ResolveTag implements sign.Place.
func (p archivePlace) ResolveTag(_ context.Context, tag string) (ocispec.Descriptor, error) {
	for _, r := range p.member.Referrers {
		if r.Tag == tag {
			return r.Target, nil
		}
	}
	return ocispec.Descriptor{}, fmt.Errorf("the archive has no tag %s: %w", tag, oci.ErrNotFound)
}

// Referrers implements sign.Place.
func (p archivePlace) Referrers(_ context.Context, subject digest.Digest) ([]ocispec.Descriptor, error) {
	var out []ocispec.Descriptor
	for _, r := range p.member.Referrers {
		if r.Tag == "" && subject == p.member.Root.Digest {
			out = append(out, r.Target)
		}
	}
	return out, nil
}
