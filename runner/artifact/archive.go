package artifact

import (
	"context"
	"encoding/json"
	"path"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/opencontainers/go-digest"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

// Named is an artifact in an archive.
type Named struct {
	Name string
	Root ocispec.Descriptor
	// Referrers belong to it.
	Referrers []store.Referrer
}

// OpenArchive opens what holds artifacts and lists them. Tools put the whole
// name in one annotation or the other.
func OpenArchive(ctx context.Context, path string) (*gadget.Imported, []Named, error) {
	from, err := gadget.Import(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	var all []Named
	artifacts, referrers := partReferrers(ctx, from)
	for _, d := range artifacts {
		name := d.Annotations["io.containerd.image.name"]
		if name == "" {
			name = d.Annotations[ocispec.AnnotationRefName]
		}
		all = append(all, Named{name, d, referrers[d.Digest]})
	}
	return from, all, nil
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
		data, err := layout.ReadFile(ReferrerList(root), maxReferrerList)
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

func ReferrerList(root digest.Digest) string {
	return path.Join(store.ReferrersDir, root.Encoded()+".json")
}
