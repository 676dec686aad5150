package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// openBlob opens d from offset on. The reader resumes by range request when
// the transfer breaks, and ends with an error when no attempt makes progress.
func (ep *endpoint) openBlob(
	ctx context.Context, c *Client, d ocispec.Descriptor, offset int64,
) (io.ReadCloser, error) {
	r := &blobReader{ctx: ctx, client: c, ep: ep, desc: d, offset: offset}
	if offset == d.Size {
		return io.NopCloser(strings.NewReader("")), nil
	}
	if err := r.connect(); err != nil {
		return nil, err
	}
	return r, nil
}

// blobReader reads one blob across several connections.
type blobReader struct {
	ctx    context.Context
	client *Client
	ep     *endpoint
	desc   ocispec.Descriptor

	offset   int64 // of the next byte
	body     io.ReadCloser
	failures int // connections in a row that brought nothing
}

// connect requests the blob from offset on. Where the registry, or what it sends
// on to, refuses to begin there, it requests the whole blob.
func (r *blobReader) connect() error {
	err := r.request(r.offset > 0)
	var refused *Error
	if r.offset == 0 || !errors.As(err, &refused) {
		return err
	}
	switch refused.Status {
	case http.StatusUnauthorized, http.StatusNotFound, http.StatusTooManyRequests:
		return err
	}
	if refused.Status < http.StatusBadRequest || refused.Status >= http.StatusInternalServerError {
		return err
	}
	return r.request(false)
}

func (r *blobReader) request(rest bool) error {
	url := r.ep.url + "/blobs/" + r.desc.Digest.String()
	req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if rest {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", r.offset))
	}
	resp, err := r.ep.client.Do(req)
	if err != nil {
		return r.client.explain(err, r.ep.host)
	}
	if err := transport.CheckError(resp, http.StatusOK, http.StatusPartialContent); err != nil {
		drain(resp)
		return r.client.explain(err, r.ep.host)
	}
	if err := r.align(resp); err != nil {
		_ = resp.Body.Close()
		return err
	}
	r.body = newStallReader(resp.Body, r.client.tune.stall)
	return nil
}

// align makes an answer start at offset: a registry may ignore the range and
// send the whole blob.
func (r *blobReader) align(resp *http.Response) error {
	if resp.StatusCode == http.StatusPartialContent {
		var first, last int64
		_, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/", &first, &last)
		if err != nil || first != r.offset {
			return r.ep.wrong("it answered a range request for byte %d with %q, try again", r.offset,
				resp.Header.Get("Content-Range"))
		}
		return nil
	}
	if resp.ContentLength >= 0 && resp.ContentLength != r.desc.Size {
		return r.ep.wrong("blob %s has %d bytes, its descriptor says %d", r.desc.Digest, resp.ContentLength, r.desc.Size)
	}
	if r.offset == 0 {
		return nil
	}
	if _, err := io.CopyN(io.Discard, newStallReader(resp.Body, r.client.tune.stall), r.offset); err != nil {
		return r.client.explain(err, r.ep.host)
	}
	return nil
}

// Read implements io.Reader.
func (r *blobReader) Read(p []byte) (int, error) {
	for {
		if r.body == nil {
			if err := r.resume(); err != nil {
				return 0, err
			}
		}
		n, err := r.body.Read(p)
		r.offset += int64(n)
		if n > 0 {
			r.failures = 0
		}
		switch {
		case err == nil, errors.Is(err, io.EOF) && r.offset >= r.desc.Size:
			return n, err
		case r.ctx.Err() != nil:
			return n, r.ctx.Err()
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		_ = r.body.Close()
		r.body = nil
		if failed := r.broken(err); failed != nil {
			return n, failed
		}
		if n > 0 {
			return n, nil
		}
	}
}

// broken notes that a connection ended early; it returns an error once too
// many have in a row.
func (r *blobReader) broken(err error) error {
	r.failures++
	if r.failures >= r.client.opts.Attempts {
		return r.ep.wrong("the transfer of %s broke %d times in a row at byte %d of %d (%s), try again",
			r.desc.Digest, r.failures, r.offset, r.desc.Size, rootCause(err))
	}
	r.client.log(fmt.Sprintf("%s: the transfer of %s broke at byte %d of %d, resuming", r.ep.host,
		short(r.desc.Digest.Encoded()), r.offset, r.desc.Size))
	return nil
}

func (r *blobReader) resume() error {
	wait, _ := r.client.delay(max(r.failures, 1), nil)
	if err := sleep(r.ctx, wait); err != nil {
		return err
	}
	return r.connect()
}

// Close implements io.Closer.
func (r *blobReader) Close() error {
	if r.body == nil {
		return nil
	}
	return r.body.Close()
}

func short(hex string) string { return hex[:min(len(hex), 12)] }

// errStalled means that a body brought no byte for the stall time.
var errStalled = errors.New("no data arrived for too long")

// stallReader closes a body that is silent for too long, which ends the Read
// that waits for it.
type stallReader struct {
	body  io.ReadCloser
	limit time.Duration
}

func newStallReader(body io.ReadCloser, limit time.Duration) *stallReader {
	return &stallReader{body: body, limit: limit}
}

// Read implements io.Reader.
func (s *stallReader) Read(p []byte) (int, error) {
	timer := time.AfterFunc(s.limit, func() { _ = s.body.Close() })
	n, err := s.body.Read(p)
	if !timer.Stop() && err != nil && n == 0 {
		return 0, errStalled
	}
	return n, err
}

// Close implements io.Closer.
func (s *stallReader) Close() error { return s.body.Close() }
