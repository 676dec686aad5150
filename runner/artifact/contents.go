package artifact

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/archive"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

// maxReferrerList is the size of a list in an archive, in bytes.
const maxReferrerList = 128 << 10

// contents is what an archive names, sorted out.
type contents struct {
	from  *archive.Imported
	roots map[digest.Digest]oci.Manifest
	// below are the manifests of the indexes among the roots.
	below map[digest.Digest]bool
	// about is what refers to something in the archive.
	about []store.Referrer
	// signed is the artifact to whose signatures "cosign save" gives no name.
	signed digest.Digest
}

// The annotation that distinguishes the entries of "cosign save", and the endings of
// the tags that they have in a registry.
const cosignKind = "kind"

var (
	cosignImages  = []string{"dev.cosignproject.cosign/image", "dev.cosignproject.cosign/imageIndex"}
	cosignEndings = map[string]string{"dev.cosignproject.cosign/sigs": ".sig", "dev.cosignproject.cosign/atts": ".att"}
)

// sortOut parts what an archive names: artifacts, and what belongs to one of
// them. Other tools put both into index.json, with the tags of cosign 2 as names,
// and some the platforms' manifests next to the index that has them; what Save
// writes has lists of its own.
func sortOut(ctx context.Context, from *archive.Imported) []Member {
	c := &contents{from: from, roots: readRoots(ctx, from), below: map[digest.Digest]bool{}}
	for _, m := range c.roots {
		for _, d := range m.Manifests {
			c.below[d.Digest] = true
		}
	}
	for _, d := range from.Roots {
		if slices.Contains(cosignImages, d.Annotations[cosignKind]) {
			c.signed = d.Digest
		}
	}
	var members []Member
	for _, d := range from.Roots {
		if all, refers := c.referrers(d); refers {
			c.about = append(c.about, all...)
		} else if name := nameOf(d); name != "" || !c.below[d.Digest] {
			members = append(members, Member{Name: name, Root: d})
		}
	}
	for i, m := range members {
		members[i].Referrers = belonging(manifestsOf(ctx, from, m.Root),
			append(slices.Clone(c.about), c.listed(m.Root.Digest)...))
	}
	return members
}

// nameOf is the name that an entry of index.json has.
func nameOf(d ocispec.Descriptor) string {
	return cmp.Or(d.Annotations[containerdName], d.Annotations[ocispec.AnnotationRefName])
}

// referrers distinguishes what refers to something in the archive from an artifact. An
// entry is a referrer, or the list of them that registries without an API have
// under a tag.
func (c *contents) referrers(d ocispec.Descriptor) ([]store.Referrer, bool) {
	r := store.Referrer{Target: d, Tag: d.Annotations[ocispec.AnnotationRefName]}
	subject, tagged := store.SubjectOfTag(r.Tag)
	ending, saved := cosignEndings[d.Annotations[cosignKind]]
	switch m := c.roots[d.Digest]; {
	case tagged:
		r.Subject = subject
	case saved && c.signed != "":
		r.Subject, r.Tag = c.signed, strings.Replace(c.signed.String(), ":", "-", 1)+ending
	case m.Subject != nil:
		r.Subject, r.Tag = m.Subject.Digest, ""
	default:
		hex, isList := strings.CutPrefix(r.Tag, "sha256-")
		subject = digest.NewDigestFromEncoded(digest.SHA256, hex)
		var all []store.Referrer
		for _, child := range m.Manifests {
			all = append(all, store.Referrer{Target: child, Subject: subject})
		}
		return all, isList && c.knows(subject)
	}
	return []store.Referrer{r}, r.Subject != d.Digest && c.knows(r.Subject)
}

func (c *contents) knows(subject digest.Digest) bool {
	_, isRoot := c.roots[subject]
	return isRoot || c.below[subject]
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
func readRoots(ctx context.Context, from *archive.Imported) map[digest.Digest]oci.Manifest {
	all := map[digest.Digest]oci.Manifest{}
	bytes, children := int64(0), 0 // of those that are kept
	for _, d := range from.Roots {
		all[d.Digest] = oci.Manifest{}
		if bytes += d.Size; len(from.Roots) == 1 || bytes > oci.MaxHeld || children > oci.MaxBlobs {
			continue // it could belong to nothing, or to too much
		}
		data, err := oci.ReadBlob(ctx, from, d, oci.MaxManifest)
		if err != nil {
			continue
		}
		if m, err := oci.ParseManifest(data); err == nil {
			children += len(m.Children())
			all[d.Digest] = m
		}
	}
	return all
}
