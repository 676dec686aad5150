package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// putManifest is a manifest on its way to a tag or digest.
type putManifest struct {
	identifier, mediaType string
	data                  []byte
	until                 time.Time // when it is not to be sent any more; zero is never
}

func (ep *endpoint) putManifest(ctx context.Context, c *Client, m putManifest) error {
	for attempt := 1; ; attempt++ {
		err := ep.putManifestOnce(ctx, c, m)
		if err == nil || attempt >= c.opts.Attempts || !digestRejected(err) {
			return err
		}
		wait, _ := c.delay(attempt, nil)
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// digestRejected reports whether the registry says that content is not what its digest
// says. What is sent is verified, so that it is not to blame: docker-registry
// reads its own file half-written when another client sends the same blob.
func digestRejected(err error) bool { return hasCode(err, transport.DigestInvalidErrorCode) }

func (ep *endpoint) putManifestOnce(ctx context.Context, c *Client, m putManifest) error {
	body := func() (io.ReadCloser, error) {
		return io.NopCloser(deadlineBody{bytes.NewReader(m.data), m.until}), nil
	}
	content, _ := body()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, ep.url+"/manifests/"+m.identifier, content)
	if err != nil {
		return err
	}
	req.GetBody, req.ContentLength = body, int64(len(m.data))
	req.Header.Set("Content-Type", m.mediaType)
	resp, err := ep.client.Do(req)
	if err != nil {
		return c.explain(err, ep.host)
	}
	defer drain(resp)
	return c.explain(transport.CheckError(resp, http.StatusOK, http.StatusCreated, http.StatusAccepted), ep.host)
}

// blob gets one blob into the registry: it is there, or another repository
// lends it, or it is uploaded.
func (p *pusher) blob(ctx context.Context, d ocispec.Descriptor) error {
	exists, err := p.ep.headBlob(ctx, p.client, d)
	if err != nil {
		return err
	}
	if exists {
		p.count(func(r *PushResult) { r.Existing++ })
		return nil
	}
	if p.req.DryRun {
		p.count(func(r *PushResult) { r.Uploaded++; r.Bytes += d.Size })
		return nil
	}
	for attempt := 1; ; attempt++ {
		mounted, err := p.upload(ctx, d)
		if err == nil {
			p.count(func(r *PushResult) {
				if mounted {
					r.Mounted++
					return
				}
				r.Uploaded++
				r.Bytes += d.Size
			})
			return nil
		}
		if attempt >= p.client.opts.Attempts || !p.again(err) {
			return fmt.Errorf("uploading %s: %w", d.Digest, err)
		}
		wait, _ := p.client.delay(attempt, nil)
		p.client.log(fmt.Sprintf("%s: uploading %s: %v, trying again", p.ep.host, short(d.Digest.Encoded()), err))
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// again reports whether an upload that ended with err may succeed from its
// start: the session is the registry's, so a broken one is not continued.
func (p *pusher) again(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	if answer := (*transport.Error)(nil); errors.As(err, &answer) {
		return after(answer) == restart || after(answer) == transient
	}
	if e.Status != 0 {
		return afterStatus(e.Status) == transient
	}
	return e.Err != nil && isRetryableError(e.Err)
}

func (ep *endpoint) headBlob(ctx context.Context, c *Client, d ocispec.Descriptor) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, ep.url+"/blobs/"+d.Digest.String(), nil)
	if err != nil {
		return false, err
	}
	resp, err := ep.client.Do(req)
	if err != nil {
		return false, c.explain(err, ep.host)
	}
	defer drain(resp)
	if resp.StatusCode == http.StatusNotFound {
		return false, nil
	}
	return resp.StatusCode == http.StatusOK, c.explain(transport.CheckError(resp, http.StatusOK), ep.host)
}

// upload starts an upload, as a mount where that is possible, and sends the
// content unless the mount was granted. A mount saves time and is not
// required, so unless the registry accepts it, the content is
// sent.
func (p *pusher) upload(ctx context.Context, d ocispec.Descriptor) (mounted bool, err error) {
	var location *url.URL
	if from := p.client.mountSource(d.Digest, p.req.Repository); from != "" {
		location, mounted, err = p.ep.startUpload(ctx, p.client, url.Values{"mount": {d.Digest.String()}, "from": {from}})
		if mounted || ctx.Err() != nil {
			return mounted, err
		}
	}
	if location == nil {
		if location, _, err = p.ep.startUpload(ctx, p.client, nil); err != nil {
			return false, err
		}
	}
	return false, p.send(ctx, location, d)
}

func (ep *endpoint) startUpload(
	ctx context.Context, c *Client, query url.Values,
) (location *url.URL, mounted bool, err error) {
	target := ep.url + "/blobs/uploads/"
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, nil)
	if err != nil {
		return nil, false, err
	}
	resp, err := ep.client.Do(req)
	if err != nil {
		return nil, false, c.explain(err, ep.host)
	}
	defer drain(resp)
	if err := transport.CheckError(resp, http.StatusCreated, http.StatusAccepted); err != nil {
		return nil, false, c.explain(err, ep.host)
	}
	if resp.StatusCode == http.StatusCreated {
		return nil, true, nil
	}
	location, err = resp.Request.URL.Parse(resp.Header.Get("Location"))
	if err != nil || resp.Header.Get("Location") == "" {
		return nil, false, ep.wrong("it started an upload at %q, which is not an address", resp.Header.Get("Location"))
	}
	if location.Host == ep.host && strings.HasPrefix(ep.url, "https:") {
		location.Scheme = "https" // a proxy that ends TLS may hide it from the registry
	}
	return location, false, nil
}

// send puts the whole content of d at an upload's location.
func (p *pusher) send(ctx context.Context, location *url.URL, d ocispec.Descriptor) error {
	body, err := oci.SourceOf(d, p.req.Blobs).Open(ctx, d)
	if err != nil {
		return err
	}
	content := &sourceReader{ReadCloser: body}
	query := location.Query()
	query.Set("digest", d.Digest.String())
	location.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, location.String(), content)
	if err != nil {
		return errors.Join(err, body.Close())
	}
	req.ContentLength = d.Size
	if d.Size == 0 {
		req.Body = http.NoBody
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := p.ep.client.Do(req)
	if failed := content.failure(); failed != nil {
		drain(resp)
		return fmt.Errorf("reading what is to be uploaded: %w", failed)
	}
	if err != nil {
		return p.client.explain(err, p.ep.host)
	}
	defer drain(resp)
	return p.client.explain(transport.CheckError(resp, http.StatusCreated, http.StatusNoContent, http.StatusAccepted),
		p.ep.host)
}

// sourceReader remembers the error of its source, which is not the registry's.
// The transport reads it in a goroutine of its own.
type sourceReader struct {
	io.ReadCloser
	mu  sync.Mutex
	err error
}

// Read implements io.Reader.
func (s *sourceReader) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.err = err
	}
	return n, err
}

func (s *sourceReader) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
