package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// retrier repeats requests whose failure is likely to pass: 429, 408, 5xx,
// connections that break. It sits below authentication, so that the ping and
// the token request are repeated too.
type retrier struct {
	client *Client
	inner  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (r *retrier) RoundTrip(req *http.Request) (*http.Response, error) {
	start := time.Now()
	for attempt := 1; ; attempt++ {
		resp, err := r.inner.RoundTrip(req)
		if resp == nil && time.Since(start) >= r.client.opts.Patience {
			return resp, err
		}
		if attempt >= r.client.opts.Attempts || !repeatable(req) || !isRetryable(resp, err) {
			return resp, err
		}
		wait, ok := r.client.delay(attempt, resp)
		if !ok {
			return resp, err
		}
		r.client.log(fmt.Sprintf("%s: %s, trying again in %s", req.URL.Host, reason(resp, err),
			wait.Round(10*time.Millisecond)))
		drain(resp)
		if err := sleep(req.Context(), wait); err != nil {
			return nil, err
		}
		if req, err = rewound(req); err != nil {
			return nil, err
		}
	}
}

// delay returns how long to wait after the given attempt, and false when the
// registry requires more than maxRetryAfter.
func (c *Client) delay(attempt int, resp *http.Response) (time.Duration, bool) {
	wait := c.tune.firstDelay << (attempt - 1)
	wait = min(wait, c.tune.maxDelay)
	wait = wait/2 + rand.N(wait/2+1)
	if resp == nil {
		return wait, true
	}
	asked := retryAfter(resp.Header.Get("Retry-After"), time.Now())
	if asked > c.tune.maxRetryAfter {
		return 0, false
	}
	return max(wait, asked), true
}

// retryAfter reads a Retry-After header: seconds or an HTTP date. Anything
// else is zero.
func retryAfter(value string, now time.Time) time.Duration {
	if secs, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
		if secs <= 0 {
			return 0
		}
		return time.Duration(min(secs, 1<<20)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

// repeatable reports whether req can be sent twice with the same effect. An
// upload whose body is a stream is repeated by its caller, who can reopen it.
func repeatable(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

func rewound(req *http.Request) (*http.Request, error) {
	if req.GetBody == nil {
		return req, nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	again := req.Clone(req.Context())
	again.Body = body
	return again, nil
}

// isRetryable reports whether the failure is transient.
func isRetryable(resp *http.Response, err error) bool {
	if err != nil {
		return isRetryableError(err)
	}
	return afterStatus(resp.StatusCode) == transient
}

func isRetryableError(err error) bool {
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, errPlainHTTP), errors.Is(err, errNoTLS), errors.Is(err, syscall.ECONNREFUSED):
		return false
	case errors.As(err, &dns):
		return dns.IsTemporary
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		return true
	}
	// The transport's own words: for a connection that ended before its answer,
	// and for an upload that was sent again after the token had been renewed.
	text := err.Error()
	return strings.Contains(text, "server closed idle connection") || strings.Contains(text, "with Body length 0")
}

func reason(resp *http.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("the registry answered %q", resp.Status)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
