package registry

import (
	"net/http"
	"time"
)

// Hurry makes the times of a client short enough for tests.
func (c *Client) Hurry() *Client {
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
	return &guard{allowHTTP: allowHTTP, inner: inner}
}

// More of what tests in the other package look at.
var (
	NextPage     = nextPage
	ParseHelper  = parseHelper
	ErrPlainHTTP = errPlainHTTP
	IsLoopback   = isLoopback
)
