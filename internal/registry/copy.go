package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// signatures is the ending of the tag under which cosign 2 keeps what signs an
// artifact: sha256-<digest>.sig. companions are all such endings.
const signatures = ".sig"

var companions = []string{signatures, ".att", ".sbom"}

// maxReferrers bounds what is copied along with one artifact.
const maxReferrers = 1000

// Copied says what Copy did.
type Copied struct {
	PushResult
	// Along counts what refers to the artifact and was copied with it.
	Along int `json:"along"`
}

// Copy copies the artifact src to dst (its tag, when it has one) with all
// platforms and all that refers to it: referrers, theirs too, and what cosign 2
// keeps under tags.
func (c *Client) Copy(ctx context.Context, src, dst Reference) (Copied, error) {
	root, err := c.Resolve(ctx, src)
	if err != nil {
		return Copied{}, err
	}
	if dst.Digest != "" && dst.Digest != root.Digest.String() {
		return Copied{}, fmt.Errorf("copying %s: it has the digest %s, not that of %s", src, root.Digest, dst)
	}
	q := PushRequest{Blobs: c.Repository(src), Root: root, Repository: dst}
	g, err := walk(ctx, q.Blobs, root)
	if err != nil {
		return Copied{}, fmt.Errorf("copying %s: %w", src, err)
	}
	for _, d := range g.blobs { // the registry can mount them, if it is the same
		c.remember(d.Digest, src)
	}
	// The tag comes last, so that nobody finds it without its signatures.
	content, err := c.Push(ctx, q)
	if err != nil {
		return Copied{}, err
	}
	k := &copier{client: c, src: src, dst: dst, seen: map[digest.Digest]bool{}}
	for _, d := range g.manifests {
		if err := k.along(ctx, d); err != nil {
			return Copied{}, fmt.Errorf("copying what refers to %s: %w", d.Digest, err)
		}
	}
	if dst.Tag != "" {
		q.Tags = []string{dst.Tag}
	}
	tagged, err := c.Push(ctx, q)
	content.Tags, content.Moved = tagged.Tags, tagged.Moved
	return Copied{PushResult: content, Along: k.count}, err
}

// copier copies what refers to an artifact.
type copier struct {
	client   *Client
	src, dst Reference
	seen     map[digest.Digest]bool
	count    int
}

func (k *copier) along(ctx context.Context, subject ocispec.Descriptor) error {
	if k.seen[subject.Digest] {
		return nil
	}
	k.seen[subject.Digest] = true
	if len(k.seen) > maxReferrers {
		return fmt.Errorf("there are more than %d", maxReferrers)
	}
	for _, ending := range companions {
		if err := k.companion(ctx, referrersTag(subject.Digest)+ending); err != nil {
			return err
		}
	}
	list, err := k.client.Referrers(ctx, k.src, subject.Digest, "")
	if err != nil {
		return err
	}
	for _, d := range list {
		if _, err := k.client.Push(ctx, PushRequest{Blobs: k.client.Repository(k.src), Root: d, Repository: k.dst}); err != nil {
			return err
		}
		k.count++
	}
	if err := k.list(ctx, subject, list); err != nil {
		return err
	}
	for _, d := range list {
		if err := k.along(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// companion copies what lies under a tag, if there is something.
func (k *copier) companion(ctx context.Context, tag string) error {
	at := k.src
	at.Tag, at.Digest = tag, ""
	root, err := k.client.Resolve(ctx, at)
	if errors.Is(err, oci.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	k.count++
	_, err = k.client.Push(ctx, PushRequest{
		Blobs: k.client.Repository(k.src), Root: root, Repository: k.dst, Tags: []string{tag},
	})
	return err
}

// list lists what refers to subject where the target has no API that does.
func (k *copier) list(ctx context.Context, subject ocispec.Descriptor, referrers []ocispec.Descriptor) error {
	if len(referrers) == 0 {
		return nil
	}
	ep, err := k.client.pushEndpoint(ctx, k.dst)
	if err != nil {
		return err
	}
	return ep.list(ctx, k.client, subject.Digest, referrers...)
}
