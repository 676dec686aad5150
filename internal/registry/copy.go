package registry

import (
	"context"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
)

// Copied describes what Copy did.
type Copied struct {
	PushResult
	// Referrers counts what refers to the artifact and was copied with it.
	Referrers int `json:"referrers"`
}

// Copy copies the artifact src to dst (its tag, when it has one) with all
// platforms and all that belongs to it. The tag comes last, so that no client finds
// it without its signatures.
func (c *Client) Copy(ctx context.Context, src, dst Reference) (Copied, error) {
	root, err := c.Resolve(ctx, src)
	if err != nil {
		return Copied{}, err
	}
	if dst.Digest != "" && dst.Digest != root.Digest.String() {
		return Copied{}, fmt.Errorf("copying %s: it has the digest %s, not that of %s", src, root.Digest, dst)
	}
	q := PushRequest{Blobs: c.Repository(src), Root: root, Repository: dst, ReplaceTags: true}
	g, err := walk(ctx, q.Blobs, root)
	if err != nil {
		return Copied{}, fmt.Errorf("copying %s: %w", src, err)
	}
	if q.Referrers, err = c.AllReferrers(ctx, src, g.subjects()...); err != nil {
		return Copied{}, fmt.Errorf("copying what refers to %s: %w", src, err)
	}
	if dst.Tag != "" {
		q.Tags = []string{dst.Tag}
	}
	res, err := c.pushGraph(ctx, q, g)
	if err != nil {
		return Copied{}, fmt.Errorf("pushing to %s: %w", dst.Name(), err)
	}
	return Copied{PushResult: res, Referrers: len(q.Referrers)}, nil
}

// subjects are the digests of the manifests, the root first.
func (g *graph) subjects() []digest.Digest {
	var all []digest.Digest
	for _, d := range slices.Backward(g.manifests) {
		all = append(all, d.Digest)
	}
	return all
}
