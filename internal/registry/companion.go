package registry

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// Companion is a manifest that belongs to an artifact: a referrer, or what
// cosign 2 keeps under a tag.
type Companion struct {
	Root ocispec.Descriptor
	// Tag is empty for a referrer.
	Tag string
}

// Companions lists what belongs to subject and says who vouches for it: its
// referrers, and the signatures that cosign 2 keeps under a tag. When something
// could not be asked for, it returns an error besides what it found.
func (c *Client) Companions(ctx context.Context, repository Reference, subject digest.Digest) ([]Companion, error) {
	var all []Companion
	var failed error
	var tagged sync.WaitGroup
	tagged.Go(func() {
		at := repository
		at.Tag, at.Digest = referrersTag(subject)+signatures, ""
		switch root, err := c.Resolve(ctx, at); {
		case err == nil:
			all = append(all, Companion{root, at.Tag})
		case !errors.Is(err, oci.ErrNotFound):
			failed = err
		}
	})
	list, err := c.Referrers(ctx, repository, subject, "")
	tagged.Wait()
	for _, d := range list {
		all = append(all, Companion{Root: d})
	}
	return all, errors.Join(failed, err)
}

// along pushes what belongs to the artifact. A registry without the referrers
// API gets the list under a tag, once: it takes a while to be sure of it.
func (p *pusher) along(ctx context.Context) error {
	root := p.req.Root.Digest
	var referrers []ocispec.Descriptor
	for _, c := range p.req.Along {
		if err := p.companion(ctx, c); err != nil {
			return fmt.Errorf("%s, which refers to %s: %w", c.Root.Digest, root, err)
		}
		if c.Tag == "" {
			referrers = append(referrers, c.Root)
		}
	}
	if len(referrers) == 0 || p.req.DryRun {
		return nil
	}
	err := p.ep.list(ctx, p.client, root, referrers...)
	if err != nil && ctx.Err() == nil { // the artifact itself is what was asked for
		p.client.log(fmt.Sprintf("%s: the documents of the artifact are there, but nobody finds them: %v", p.ep.host, err))
		return nil
	}
	return err
}

// companion pushes one manifest that belongs to the artifact. A tag that has
// something else already keeps it: it may hold the signatures of others.
func (p *pusher) companion(ctx context.Context, c Companion) error {
	q := PushRequest{Blobs: p.req.Blobs, Root: c.Root, Repository: p.req.Repository, DryRun: p.req.DryRun}
	if c.Tag != "" {
		now, there, err := p.ep.headManifest(ctx, p.client, c.Tag)
		if err != nil {
			return err
		}
		if there && now != c.Root.Digest {
			p.client.log(fmt.Sprintf("the tag %s of %s has something else already and stays as it is", c.Tag, p.req.Repository.Name()))
			return nil
		}
		q.Tags = []string{c.Tag}
	}
	res, err := p.client.push(ctx, q)
	if err != nil {
		return err
	}
	p.count(func(r *PushResult) {
		r.Uploaded += res.Uploaded
		r.Bytes += res.Bytes
		r.Mounted += res.Mounted
		r.Existing += res.Existing
	})
	return nil
}
