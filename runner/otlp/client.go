package otlp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
)

// Retries of one request, and the waits between them unless the collector says
// how long.
const (
	maxTries  = 5
	firstWait = time.Second
	longWait  = 30 * time.Second
	maxAnswer = 64 << 10
)

// client sends to one endpoint.
type client struct {
	Endpoint
	http *http.Client
}

func newClient(e Endpoint) *client {
	return &client{e, &http.Client{
		// A collector does not redirect, and headers must not go elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// send sends m, again when the collector is away or asks for that, until ctx ends.
func (c *client) send(ctx context.Context, m proto.Message) error {
	body, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("encoding for the collector: %w", err)
	}
	wait := firstWait
	for try := 1; ; try++ {
		again, err := c.post(ctx, body)
		if err == nil || again < 0 || try == maxTries {
			return err
		}
		pause := min(max(wait, again), longWait)
		wait *= 2
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// post sends body once. again is negative for an error that the same request would
// meet again, else the least time to wait.
func (c *client) post(ctx context.Context, body []byte) (again time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return -1, err
	}
	req.Header = c.Headers.Clone()
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("User-Agent", "gadget-run")
	resp, err := c.http.Do(req)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("sending to %s: no answer within %s", c.URL, c.Timeout)
		}
		return 0, err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer) // so that the connection is used again
	if resp.StatusCode/100 == 2 {
		return -1, nil
	}
	err = fmt.Errorf("sending to %s: the collector answers %s", c.URL, strconv.Quote(resp.Status))
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return time.Duration(max(0, seconds)) * time.Second, err
	}
	return -1, err
}
