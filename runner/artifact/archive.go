package artifact

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/archive"
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
	from, err := archive.Import(ctx, plain)
	if err != nil {
		remove()
		return nil, err
	}
	a := &Archive{Blobs: from, path: path, close: func() { _ = from.Close(); remove() }}
	a.Members = sortOut(ctx, from)
	return a, nil
}

// Close closes what the archive holds open.
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
		return Member{}, fmt.Errorf("%q has the digest %s, not %s: %w", a.path, a.Members[0].Root.Digest, n.Digest,
			oci.ErrNotFound)
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

// NameFor is the name that m gets in a store: the archive's. Where that has none,
// or just a tag, as many tools write, the name in the artifact itself.
func (a *Archive) NameFor(ctx context.Context, m Member) string {
	if strings.ContainsAny(m.Name, "/:@") {
		return m.Name
	}
	switch title := a.title(ctx, m.Root); {
	case title == "" || title == m.Name:
		return m.Name
	case m.Name == "":
		return title
	default:
		return title + ":" + m.Name
	}
}

// title is what the manifest root, or else one right below it, calls the artifact.
func (a *Archive) title(ctx context.Context, root ocispec.Descriptor) string {
	all := []ocispec.Descriptor{root}
	for i := 0; i < len(all); i++ {
		data, err := oci.ReadBlob(ctx, a.Blobs, all[i], oci.MaxManifest)
		if err != nil {
			continue
		}
		m, err := oci.ParseManifest(data)
		if err != nil {
			continue
		}
		if title := m.Annotations[ocispec.AnnotationTitle]; title != "" {
			return repositoryOf(title)
		}
		if i == 0 {
			all = append(all, m.Manifests...)
		}
	}
	return ""
}

// repositoryOf is a gadget's name as that of a repository: "trace open" is
// trace_open. It is empty where that is none.
func repositoryOf(title string) string {
	name := strings.ReplaceAll(strings.ToLower(title), " ", "_")
	if _, err := registry.ParseReference(name, registry.Defaults{}); err != nil || strings.ContainsAny(name, "/:@") {
		return ""
	}
	return name
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
