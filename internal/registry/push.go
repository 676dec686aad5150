package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// maxParallel is how many blobs are transferred at once.
const maxParallel = 6

// PushRequest is an artifact and where it goes.
type PushRequest struct {
	Blobs oci.Blobs
	Root  ocispec.Descriptor
	// Repository is the target; its Tag and Digest are ignored.
	Repository Reference
	// Referrers are manifests that belong to Root: they are pushed after it, and
	// before Tags are set, so that no client finds it without them.
	Referrers []Referrer
	// ReplaceTags lets the tags of Referrers replace what they stood for.
	ReplaceTags bool
	// Tags are set last, after everything is there by digest.
	Tags []string
	// DryRun checks what the registry has and uploads nothing.
	DryRun bool
}

// PushResult describes what a push did, or with DryRun would do.
type PushResult struct {
	Reference string   `json:"reference"` // digest-pinned
	Digest    string   `json:"digest"`
	Tags      []string `json:"tags"`
	Moved     []string `json:"movedTags"`     // tags that did not point here before
	Uploaded  int      `json:"uploaded"`      // blobs and manifests sent
	Bytes     int64    `json:"uploadedBytes"` // their size
	Mounted   int      `json:"mounted"`       // blobs taken from other repositories
	Existing  int      `json:"existing"`      // blobs and manifests that were there
	DryRun    bool     `json:"dryRun"`
}

// Unchanged reports whether the registry had everything, tags included.
func (r PushResult) Unchanged() bool { return r.Uploaded+r.Mounted+len(r.Moved) == 0 }

// Push uploads an artifact: blobs, manifests by digest, then the tags.
func (c *Client) Push(ctx context.Context, q PushRequest) (PushResult, error) {
	name := q.Repository.Name()
	res, err := c.push(ctx, q)
	if err != nil {
		return PushResult{}, fmt.Errorf("pushing to %s: %w", name, err)
	}
	return res, nil
}

func (c *Client) push(ctx context.Context, q PushRequest) (PushResult, error) {
	for _, t := range q.Tags {
		if !validTag(t) {
			return PushResult{}, fmt.Errorf("%q is not a tag, use at most %d letters, digits, '_', '.' and '-'", t, maxTag)
		}
	}
	g, err := walk(ctx, q.Blobs, q.Root)
	if err != nil {
		return PushResult{}, err
	}
	return c.pushGraph(ctx, q, g)
}

// pushGraph pushes an artifact whose manifests were read. What comes from a
// registry can be mounted there.
func (c *Client) pushGraph(ctx context.Context, q PushRequest, g *graph) (PushResult, error) {
	if from, ok := q.Blobs.(*Repository); ok {
		for _, d := range g.blobs {
			c.remember(d.Digest, from.ref)
		}
	}
	places, err := c.cfg.places(q.Repository)
	if err != nil {
		return PushResult{}, err
	}
	target := places[len(places)-1] // never a mirror
	also := c.mountSources(g, q.Repository)
	ep, err := c.endpointFor(ctx, target, transport.PushScope, also...)
	if err != nil && len(also) > 0 && ctx.Err() == nil { // for the target alone
		ep, err = c.endpointFor(ctx, target, transport.PushScope)
	}
	if err != nil {
		return PushResult{}, err
	}
	p := &pusher{client: c, ep: ep, req: q, graph: g}
	return p.run(ctx)
}

// mountSources lists the repositories that may serve blobs of g by mount.
func (c *Client) mountSources(g *graph, r Reference) []string {
	var all []string
	for _, d := range g.blobs {
		if from := c.mountSource(d.Digest, r); from != "" && !slices.Contains(all, from) {
			all = append(all, from)
		}
	}
	slices.Sort(all)
	return all
}

// pusher is one push under way.
type pusher struct {
	client *Client
	ep     *endpoint
	req    PushRequest
	graph  *graph

	mu  sync.Mutex
	res PushResult
}

func (p *pusher) run(ctx context.Context) (PushResult, error) {
	root := p.req.Root.Digest
	p.res = PushResult{
		Reference: p.req.Repository.Pinned(root.String()), Digest: root.String(),
		Tags: p.req.Tags, Moved: []string{}, DryRun: p.req.DryRun,
	}
	_, exists, err := p.ep.headManifest(ctx, p.client, root.String())
	if err != nil {
		return p.res, err
	}
	if exists {
		p.res.Existing = len(p.graph.blobs) + len(p.graph.manifests)
	} else if err := p.content(ctx); err != nil {
		return p.res, err
	}
	for _, d := range p.graph.blobs {
		p.client.remember(d.Digest, p.req.Repository)
	}
	if err := p.pushReferrers(ctx); err != nil {
		return p.res, err
	}
	for _, tag := range p.req.Tags {
		if err := p.tag(ctx, tag, exists); err != nil {
			return p.res, err
		}
	}
	return p.res, nil
}

// content uploads the blobs and the manifests, several at once, and each manifest
// as soon as all that it names is there.
func (p *pusher) content(ctx context.Context) error {
	pushed := map[digest.Digest]chan struct{}{}
	for _, d := range slices.Concat(p.graph.blobs, p.graph.manifests) {
		pushed[d.Digest] = make(chan struct{})
	}
	done := func(d ocispec.Descriptor, err error) error {
		if err == nil {
			close(pushed[d.Digest])
		}
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return atOnce(ctx, p.graph.blobs, func(ctx context.Context, d ocispec.Descriptor) error {
			return done(d, p.blob(ctx, d))
		})
	})
	group.Go(func() error {
		// In their order, so that those waited for have begun.
		return atOnce(ctx, p.graph.manifests, func(ctx context.Context, d ocispec.Descriptor) error {
			for _, child := range p.graph.children[d.Digest] {
				select {
				case <-pushed[child.Digest]:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return done(d, p.manifest(ctx, d))
		})
	})
	return group.Wait()
}

// atOnce calls do for all, several at once, until one fails.
func atOnce(ctx context.Context, all []ocispec.Descriptor, do func(context.Context, ocispec.Descriptor) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxParallel)
	for _, d := range all {
		group.Go(func() error { return do(ctx, d) })
	}
	return group.Wait()
}

func (p *pusher) manifest(ctx context.Context, d ocispec.Descriptor) error {
	// A check costs as much as an upload, so only where it matters.
	absent := p.graph.absent[d.Digest]
	if (absent || p.req.DryRun) && d.Digest != p.req.Root.Digest {
		_, exists, err := p.ep.headManifest(ctx, p.client, d.Digest.String())
		if err != nil {
			return err
		}
		if exists {
			p.count(func(r *PushResult) { r.Existing++ })
			return nil
		}
	}
	if absent {
		return fmt.Errorf("manifest %s%s is neither here nor in the registry, pull the artifact with --all-platforms "+
			"first, or push what is here with --platform", d.Digest, platformName(d))
	}
	p.count(func(r *PushResult) { r.Uploaded++; r.Bytes += d.Size })
	if p.req.DryRun {
		return nil
	}
	return p.ep.putManifest(ctx, p.client, putManifest{
		identifier: d.Digest.String(), mediaType: d.MediaType, data: p.graph.data[d.Digest],
	})
}

func platformName(d ocispec.Descriptor) string {
	if d.Platform == nil {
		return ""
	}
	return fmt.Sprintf(" (%s/%s)", d.Platform.OS, d.Platform.Architecture)
}

// tag sets a tag. When the artifact existed before, the tag may already be set, so
// it is looked at first.
func (p *pusher) tag(ctx context.Context, tag string, existed bool) error {
	if existed {
		now, exists, err := p.ep.headManifest(ctx, p.client, tag)
		if err != nil {
			return err
		}
		if exists && now == p.req.Root.Digest {
			return nil
		}
	}
	p.count(func(r *PushResult) { r.Moved = append(r.Moved, tag) })
	if p.req.DryRun {
		return nil
	}
	root := p.req.Root
	return p.ep.putManifest(ctx, p.client, putManifest{
		identifier: tag, mediaType: root.MediaType, data: p.graph.data[root.Digest],
	})
}

func (p *pusher) count(change func(*PushResult)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.res)
}

// Summary says in one line what the push did.
func (r PushResult) Summary() string {
	verb, tags := "pushed", ""
	if r.DryRun {
		verb = "would push"
	}
	if len(r.Tags) > 0 {
		tags = fmt.Sprintf(" (tags %s)", strings.Join(r.Tags, ", "))
	}
	if r.Unchanged() {
		return fmt.Sprintf("%s%s: everything is there already, nothing uploaded", r.Reference, tags)
	}
	return fmt.Sprintf("%s %s%s: %d uploaded (%d bytes), %d mounted, %d already there",
		verb, r.Reference, tags, r.Uploaded, r.Bytes, r.Mounted, r.Existing)
}
