package registry

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// Bounds of the change of a tag that several clients extend.
const (
	// tagAttempts is how often a change is repeated because of the others.
	tagAttempts = 30
	// A written tag is looked at again after so many times what the writing
	// took, within these bounds.
	recheckFactor = 4
	minRecheck    = 500 * time.Millisecond
	maxRecheck    = 3 * time.Second
	// maxSeen is how long what was seen of a tag counts: a writer that was held
	// up for longer might replace what others have looked at for the last time.
	maxSeen = minRecheck / 4
)

// TagChange returns what a tag is to name instead of what it names now; where
// nothing is to change, the same. It reads the tag itself, and is called again when
// another client has changed the tag meanwhile.
type TagChange func(ctx context.Context) (oci.Blobs, ocispec.Descriptor, error)

// ExtendTag changes what ref's tag refers to while others may do the same.
// Registries have no compare-and-swap, so the tag is written only when it is
// still what the change was made from, and is looked at again some time after:
// a client that finds its change gone makes it again.
func (c *Client) ExtendTag(ctx context.Context, ref Reference, change TagChange) error {
	ep, err := c.pushEndpoint(ctx, ref)
	if err != nil {
		return err
	}
	return ep.extendTag(ctx, c, ref.Tag, func(ctx context.Context, before digest.Digest) (putManifest, error) {
		blobs, root, err := change(ctx)
		if err != nil || root.Digest == before {
			return putManifest{}, err
		}
		// All but the tag.
		if _, err := c.Push(ctx, PushRequest{Blobs: blobs, Root: root, Repository: ref}); err != nil {
			return putManifest{}, err
		}
		data, err := oci.ReadBlob(ctx, blobs, root, oci.MaxManifest)
		return putManifest{identifier: ref.Tag, mediaType: root.MediaType, data: data}, err
	})
}

// extendTag writes what change makes until it stays there. before is what
// the tag stood for; no data means that nothing is to change.
func (ep *endpoint) extendTag(ctx context.Context, c *Client, tag string,
	change func(ctx context.Context, before digest.Digest) (putManifest, error),
) error {
	for range tagAttempts {
		before, _, err := ep.headManifest(ctx, c, tag)
		if err != nil {
			return err
		}
		m, err := change(ctx, before)
		if err != nil || m.data == nil {
			return err
		}
		done, err := ep.replaceTag(ctx, c, before, m)
		if err != nil || done {
			return err
		}
		if err := sleep(ctx, rand.N(minRecheck)); err != nil {
			return err
		}
	}
	return ep.wrong("others replaced the tag %s, or the connection was too slow to be sure of it, %d times, try again "+
		"later", tag, tagAttempts)
}

// replaceTag writes m when its tag still is before. It reports whether m is
// there once all who saw the tag as it was must have written too.
func (ep *endpoint) replaceTag(ctx context.Context, c *Client, before digest.Digest, m putManifest) (bool, error) {
	start := time.Now()
	now, _, err := ep.headManifest(ctx, c, m.identifier)
	if err != nil || now != before {
		return false, err
	}
	m.until = start.Add(max(maxSeen, 2*time.Since(start)))
	err = ep.putManifest(ctx, c, m)
	if errors.Is(err, errTooLate) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := sleep(ctx, min(max(recheckFactor*time.Since(start), minRecheck), maxRecheck)); err != nil {
		return false, err
	}
	now, _, err = ep.headManifest(ctx, c, m.identifier)
	return now == digest.FromBytes(m.data), err
}

// errTooLate ends a request that would say something out of date.
var errTooLate = errors.New("delayed for too long")

// deadlineBody is a body that is not sent after its time.
type deadlineBody struct {
	io.Reader
	until time.Time
}

// Read implements io.Reader.
func (b deadlineBody) Read(p []byte) (int, error) {
	if !b.until.IsZero() && time.Now().After(b.until) {
		return 0, errTooLate
	}
	return b.Reader.Read(p)
}
