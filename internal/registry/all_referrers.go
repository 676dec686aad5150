package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// maxReferrers bounds what belongs to one artifact.
const maxReferrers = 1000

// Referrer is a manifest that belongs to an artifact: a referrer, or what
// cosign 2 keeps under a tag.
type Referrer struct {
	Root ocispec.Descriptor
	// Subject is what it refers to: a manifest of the artifact or another
	// referrer. Empty is the artifact itself.
	Subject digest.Digest
	// Tag is empty for a referrer.
	Tag string
}

// query requests the referrers of a manifest or, with an ending, for what
// cosign 2 keeps under its tag with that ending (sha256-<hex>.sig).
type query struct {
	subject digest.Digest
	ending  string
}

// AllReferrers lists what belongs to an artifact, of which subjects are the
// manifests: what refers to each of them, in their order, then what refers to
// that. When a request failed, it returns an error in addition to what
// it found.
func (c *Client) AllReferrers(ctx context.Context, repository Reference,
	subjects ...digest.Digest,
) ([]Referrer, error) {
	var all []Referrer
	var failed []error
	a := &referrerQuery{client: c, repository: repository}
	seen := map[digest.Digest]bool{}
	for len(subjects) > 0 {
		var queries []query
		for _, d := range subjects {
			if seen[d] {
				continue
			}
			seen[d] = true
			queries = append(queries, query{d, ".sig"}, query{d, ".att"}, query{d, ".sbom"}, query{subject: d})
		}
		found, err := a.all(ctx, queries)
		failed = append(failed, err)
		if all = append(all, found...); len(all) > maxReferrers {
			return all[:maxReferrers], errors.Join(append(failed, fmt.Errorf("there are more than %d", maxReferrers))...)
		}
		subjects = nil
		for _, one := range found {
			if one.Tag == "" {
				subjects = append(subjects, one.Root.Digest)
			}
		}
	}
	return all, errors.Join(failed...)
}

// referrerQuery lists what refers to manifests of a repository.
type referrerQuery struct {
	client     *Client
	repository Reference

	reading sync.Mutex // one answer at a time, which may be large
	stopped bool       // by an answer that is none: of such there may be many
}

// all sends several queries at once. The answers are in their order.
func (a *referrerQuery) all(ctx context.Context, queries []query) ([]Referrer, error) {
	found, errs := make([][]Referrer, len(queries)), make([]error, len(queries))
	var group errgroup.Group
	group.SetLimit(maxParallel)
	for i, q := range queries {
		group.Go(func() error {
			found[i], errs[i] = a.ask(ctx, q)
			return nil
		})
	}
	_ = group.Wait()
	return slices.Concat(found...), errors.Join(errs...)
}

func (a *referrerQuery) ask(ctx context.Context, q query) ([]Referrer, error) {
	at := a.repository
	if q.ending != "" { // mostly none, which costs a registry less to say than to serve
		at.Tag, at.Digest = referrersTag(q.subject)+q.ending, ""
		if exists, err := a.client.Repository(at).has(ctx, at.Tag); err != nil || !exists {
			return nil, err
		}
	}
	a.reading.Lock()
	defer a.reading.Unlock()
	if a.stopped {
		return nil, nil
	}
	all, err := a.read(ctx, q, at)
	var wrong *Error
	a.stopped = errors.As(err, &wrong) && wrong.Status == 0 && wrong.Err == nil
	return all, err
}

func (a *referrerQuery) read(ctx context.Context, q query, at Reference) ([]Referrer, error) {
	if q.ending != "" {
		root, err := a.client.Resolve(ctx, at)
		if errors.Is(err, oci.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return []Referrer{{root, q.subject, at.Tag}}, nil
	}
	list, err := a.client.Referrers(ctx, at, q.subject, "")
	var all []Referrer
	for _, d := range list[:min(len(list), maxReferrers+1)] {
		all = append(all, Referrer{Root: d, Subject: q.subject})
	}
	return all, err
}

// pushReferrers pushes what belongs to the artifact and has it listed.
func (p *pusher) pushReferrers(ctx context.Context) error {
	var subjects []digest.Digest
	referrers := map[digest.Digest][]ocispec.Descriptor{}
	for _, c := range p.req.Referrers {
		c.Subject = cmp.Or(c.Subject, p.req.Root.Digest)
		if err := p.pushReferrer(ctx, c); err != nil {
			return fmt.Errorf("%s, which refers to %s: %w", c.Root.Digest, c.Subject, err)
		}
		if c.Tag != "" {
			continue
		}
		if referrers[c.Subject] == nil {
			subjects = append(subjects, c.Subject)
		}
		referrers[c.Subject] = append(referrers[c.Subject], c.Root)
	}
	if p.req.DryRun {
		return nil
	}
	var group errgroup.Group
	group.SetLimit(maxParallel)
	for _, d := range subjects {
		group.Go(func() error { return p.list(ctx, d, referrers[d]) })
	}
	return group.Wait()
}

// list has the referrers of a subject listed. A registry without the API for
// them gets the list under a tag, once: it takes a while to be sure of it.
func (p *pusher) list(ctx context.Context, subject digest.Digest, referrers []ocispec.Descriptor) error {
	err := p.ep.list(ctx, p.client, subject, referrers...)
	if err != nil && ctx.Err() == nil { // the request was for the artifact itself
		p.client.log(fmt.Sprintf("%s: the documents of %s are there, but clients cannot find them: %v", p.ep.host, subject,
			err))
		return nil
	}
	return err
}

// pushReferrer pushes one manifest that belongs to the artifact. A tag that has
// something else already keeps it, unless tags are to be replaced: it may hold the
// signatures of others.
func (p *pusher) pushReferrer(ctx context.Context, c Referrer) error {
	q := PushRequest{Blobs: p.req.Blobs, Root: c.Root, Repository: p.req.Repository, DryRun: p.req.DryRun}
	if c.Tag != "" {
		now, exists, err := p.ep.headManifest(ctx, p.client, c.Tag)
		if err != nil {
			return err
		}
		if exists && now != c.Root.Digest && !p.req.ReplaceTags {
			p.client.log(fmt.Sprintf("the tag %s of %s has something else already and stays as it is", c.Tag,
				p.req.Repository.Name()))
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
