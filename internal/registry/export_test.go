package registry

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// WithShortTimeouts makes the times of a client short enough for tests.
func (c *Client) WithShortTimeouts() *Client {
	c.tune.firstDelay, c.tune.maxDelay = time.Millisecond, 5*time.Millisecond
	c.tune.maxRetryAfter = 2 * time.Second
	c.tune.stall, c.tune.header = time.Second, 3*time.Second
	return c
}

// What tests in the other package look at.
var (
	ParseAuthFile = parseAuthFile
	RetryAfter    = retryAfter
	SameKey       = sameKey
	HostAuthFiles = hostAuthFiles
)

// Guard returns the transport that refuses plain HTTP unless allowed.
func Guard(inner http.RoundTripper, allowHTTP bool) http.RoundTripper {
	return &guard{insecure: func(string) bool { return allowHTTP }, inner: inner}
}

// More of what tests in the other package look at.
var (
	NextPage      = nextPage
	ParseHelper   = parseHelper
	ErrPlainHTTP  = errPlainHTTP
	IsLoopback    = isLoopback
	CheckLoopback = checkLoopback
)

// PutLate sends a manifest to ref's tag whose time is over. It reports whether it was
// not sent for that reason.
func (c *Client) PutLate(ctx context.Context, ref Reference, mediaType string, data []byte) (bool, error) {
	ep, err := c.pushEndpoint(ctx, ref)
	if err != nil {
		return false, err
	}
	err = ep.putManifest(ctx, c, putManifest{ref.Tag, mediaType, data, time.Now().Add(-time.Millisecond)})
	return errors.Is(err, errTooLate), err
}
