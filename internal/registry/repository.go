package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// Repository reads one repository of a registry, through its mirrors where
// the configuration has some. It implements oci.Blobs.
type Repository struct {
	client *Client
	ref    Reference
}

// Resolve returns the descriptor of ref's tag or digest. The manifest is
// fetched and verified; the next Open of it needs no request.
func (r *Repository) Resolve(ctx context.Context, ref Reference) (ocispec.Descriptor, error) {
	var desc ocispec.Descriptor
	var data []byte
	err := r.anywhere(ctx, func(ep *endpoint) (err error) {
		desc, data, err = ep.getManifest(ctx, r.client, ref.identifier())
		return err
	})
	if err != nil {
		return desc, fmt.Errorf("resolving %s: %w", ref, err)
	}
	r.client.keep(desc.Digest, data)
	return desc, nil
}

// Open implements oci.Blobs: manifests come from the manifests of the
// repository, everything else from its blobs.
func (r *Repository) Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	body, err := r.OpenAt(ctx, d, 0)
	if err != nil {
		return nil, err
	}
	return oci.NewVerifyReader(body, d), nil
}

// OpenAt opens the content of d from offset on, not verified: the caller has
// what is before it. Interrupted transfers resume by themselves.
func (r *Repository) OpenAt(ctx context.Context, d ocispec.Descriptor, offset int64) (io.ReadCloser, error) {
	if err := d.Digest.Validate(); err != nil {
		return nil, fmt.Errorf("reading blob %q: %w", d.Digest, err)
	}
	if data, ok := r.client.kept(d.Digest); ok && offset <= int64(len(data)) {
		return io.NopCloser(bytes.NewReader(data[offset:])), nil
	}
	var body io.ReadCloser
	err := r.anywhere(ctx, func(ep *endpoint) error {
		var err error
		if oci.IsManifest(d.MediaType) {
			body, err = ep.openManifest(ctx, r.client, d, offset)
		} else {
			body, err = ep.openBlob(ctx, r.client, d, offset)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading %s of %s: %w", d.Digest, r.ref.Name(), err)
	}
	r.client.remember(d.Digest, r.ref)
	return body, nil
}

// anywhere calls do for each place of the repository until one succeeds. The
// error is the last place's: the registry's own.
func (r *Repository) anywhere(ctx context.Context, do func(*endpoint) error) error {
	places, err := r.client.cfg.places(r.ref)
	if err != nil {
		return err
	}
	for _, w := range places {
		if w.mirror && r.client.isDown(w.host) {
			continue
		}
		var ep *endpoint
		if ep, err = r.client.endpointFor(ctx, w, transport.PullScope); err == nil {
			err = do(ep)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		if w.mirror {
			r.client.markDown(w.host, err)
			r.client.log(fmt.Sprintf("mirror %s of %s: %v, trying the next place", w.host, r.ref.Name(), err))
		}
	}
	return err
}

// getManifest fetches a manifest by tag or digest and verifies it.
func (ep *endpoint) getManifest(ctx context.Context, c *Client, identifier string) (ocispec.Descriptor, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, ep.url+"/manifests/"+identifier, nil)
	if err != nil {
		return ocispec.Descriptor{}, nil, err
	}
	req.Header.Set("Accept", strings.Join(oci.ManifestTypes, ","))
	resp, err := ep.client.Do(req)
	if err != nil {
		return ocispec.Descriptor{}, nil, c.explain(err, ep.host)
	}
	defer drain(resp)
	if err := transport.CheckError(resp, http.StatusOK); err != nil {
		return ocispec.Descriptor{}, nil, c.explain(err, ep.host)
	}
	data, err := io.ReadAll(io.LimitReader(newStallReader(resp.Body, c.tune.stall), oci.MaxManifest+1))
	if err != nil {
		return ocispec.Descriptor{}, nil, c.explain(err, ep.host)
	}
	return ep.checkManifest(resp, identifier, data)
}

func (ep *endpoint) checkManifest(
	resp *http.Response, identifier string, data []byte,
) (ocispec.Descriptor, []byte, error) {
	var none ocispec.Descriptor
	if len(data) > oci.MaxManifest {
		return none, nil, ep.wrong("the manifest is larger than %d bytes", oci.MaxManifest)
	}
	if resp.ContentLength >= 0 && int64(len(data)) != resp.ContentLength {
		return none, nil, ep.wrong("the manifest ends after %d of %d bytes, try again", len(data), resp.ContentLength)
	}
	want := digest.Digest(identifier)
	if want.Validate() != nil {
		want = digest.Digest(resp.Header.Get("Docker-Content-Digest"))
	}
	got := digest.FromBytes(data)
	if want.Validate() == nil {
		got = want.Algorithm().FromBytes(data)
		if got != want {
			return none, nil, ep.wrong("it served a manifest with digest %s for %s, try again or ask its operator", got, want)
		}
	}
	mediaType, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	mediaType = strings.TrimSpace(mediaType)
	if !oci.IsManifest(mediaType) {
		return none, nil, ep.wrong("%s is of type %q, which is not an OCI manifest", identifier, mediaType)
	}
	return ocispec.Descriptor{MediaType: mediaType, Digest: got, Size: int64(len(data))}, data, nil
}

// wrong is an Error about what the registry served.
func (ep *endpoint) wrong(format string, args ...any) error {
	return &Error{Host: ep.host, Text: fmt.Sprintf(format, args...)}
}

// openManifest fetches the manifest d whole: they are small.
func (ep *endpoint) openManifest(
	ctx context.Context, c *Client, d ocispec.Descriptor, offset int64,
) (io.ReadCloser, error) {
	got, data, err := ep.getManifest(ctx, c, d.Digest.String())
	if err != nil {
		return nil, err
	}
	if got.Size != d.Size || offset > got.Size {
		return nil, ep.wrong("%s has %d bytes, its descriptor says %d", d.Digest, got.Size, d.Size)
	}
	return io.NopCloser(bytes.NewReader(data[offset:])), nil
}

// has reports whether a tag is there, at one of the places of the repository.
func (r *Repository) has(ctx context.Context, tag string) (bool, error) {
	err := r.anywhere(ctx, func(ep *endpoint) error {
		_, exists, err := ep.askManifest(ctx, r.client, tag)
		if err == nil && !exists {
			err = oci.ErrNotFound
		}
		return err
	})
	if errors.Is(err, oci.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// headManifest resolves a tag or digest, without fetching it where the
// registry says so. ok is false when it does not have it.
func (ep *endpoint) headManifest(
	ctx context.Context, c *Client, identifier string,
) (d digest.Digest, ok bool, err error) {
	d, ok, err = ep.askManifest(ctx, c, identifier)
	if err != nil || !ok || d.Validate() == nil {
		return d, ok, err
	}
	got, _, err := ep.getManifest(ctx, c, identifier)
	if errors.Is(err, oci.ErrNotFound) {
		return "", false, nil
	}
	return got.Digest, err == nil, err
}

// askManifest requests the head of a manifest. The digest is what the registry
// says, if anything.
func (ep *endpoint) askManifest(
	ctx context.Context, c *Client, identifier string,
) (d digest.Digest, ok bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, ep.url+"/manifests/"+identifier, nil)
	if err != nil {
		return "", false, err
	}
	req.Header.Set("Accept", strings.Join(oci.ManifestTypes, ","))
	resp, err := ep.client.Do(req)
	if err != nil {
		return "", false, c.explain(err, ep.host)
	}
	defer drain(resp)
	if resp.StatusCode == http.StatusNotFound {
		return "", false, nil
	}
	if err := transport.CheckError(resp, http.StatusOK); err != nil {
		return "", false, c.explain(err, ep.host)
	}
	return digest.Digest(resp.Header.Get("Docker-Content-Digest")), true, nil
}
