package artifact

import (
	"cmp"
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
	a.Members = sortOut(ctx, from)
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

// contents is what an archive names, sorted out.
type contents struct {
	from  *gadget.Imported
	roots map[digest.Digest]oci.Manifest
	// below are the manifests of the indexes among the roots.
	below map[digest.Digest]bool
	// about is what refers to something in the archive.
	about []store.Referrer
}

// sortOut parts what an archive names: artifacts, and what belongs to one of
// them. Other tools put both into index.json, with the tags of cosign 2 as names,
// and some the platforms' manifests beside the index that has them; what Save
// writes has lists of its own.
func sortOut(ctx context.Context, from *gadget.Imported) []Member {
	c := &contents{from: from, roots: readRoots(ctx, from), below: map[digest.Digest]bool{}}
	for _, m := range c.roots {
		for _, d := range m.Manifests {
			c.below[d.Digest] = true
		}
	}
	var members []Member
	for _, d := range from.Roots {
		if r, refers := c.referrer(d); refers {
			c.about = append(c.about, r)
		} else if name := nameOf(d); name != "" || !c.below[d.Digest] {
			members = append(members, Member{Name: name, Root: d})
		}
	}
	for i, m := range members {
		members[i].Referrers = belonging(manifestsOf(ctx, from, m.Root), append(slices.Clone(c.about), c.listed(m.Root.Digest)...))
	}
	return members
}

// nameOf is the name that an entry of index.json has.
func nameOf(d ocispec.Descriptor) string {
	return cmp.Or(d.Annotations[containerdName], d.Annotations[ocispec.AnnotationRefName])
}

// referrer tells an artifact from what refers to something in the archive.
func (c *contents) referrer(d ocispec.Descriptor) (store.Referrer, bool) {
	tag := d.Annotations[ocispec.AnnotationRefName]
	subject, tagged := store.SubjectOfTag(tag)
	if !tagged {
		tag = ""
		if s := c.roots[d.Digest].Subject; s != nil {
			subject = s.Digest
		}
	}
	_, known := c.roots[subject]
	return store.Referrer{Target: d, Subject: subject, Tag: tag}, subject != d.Digest && (known || c.below[subject])
}

// listed is what the archive's own list has about an artifact.
func (c *contents) listed(root digest.Digest) []store.Referrer {
	layout, ok := c.from.Blobs.(*oci.Layout)
	if !ok {
		return nil
	}
	data, err := layout.ReadFile(ReferrerList(root), maxReferrerList)
	if err != nil {
		return nil
	}
	all, _ := store.ParseReferrers(data, root)
	return all
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
	return referrersOf(subject, p.member.Referrers), nil
}
