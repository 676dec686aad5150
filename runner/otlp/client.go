package otlp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Retries of one request, and the waits between them unless the collector specifies
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
	name string // of the endpoint in messages: without a query, which may have a token
}

func newClient(e Endpoint) *client {
	name, _, _ := strings.Cut(e.URL, "?")
	return &client{e, &http.Client{
		// A collector does not redirect, and headers must not go elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, name}
}

// send sends m as deliver does.
func (c *client) send(ctx context.Context, m proto.Message) error {
	body, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("encoding for the collector: %w", err)
	}
	return c.deliver(ctx, body)
}

// deliver sends body, with retries while the collector is unavailable or requests them, until ctx ends.
func (c *client) deliver(ctx context.Context, body []byte) error {
	wait := firstWait
	var last error
	for try := 1; ; try++ {
		again, err := c.post(ctx, body)
		if err != nil && last != nil && ctx.Err() != nil {
			return last // more specific than the error of an expired context
		}
		if err == nil || again < 0 || try == maxTries {
			return err
		}
		last = err
		pause := min(max(wait, again), longWait)
		wait *= 2
		select {
		case <-ctx.Done():
			return last
		case <-time.After(pause):
		}
	}
}

// post sends body once. again is negative for an error that the same request would
// meet again, else the least time to wait.
func (c *client) post(run context.Context, body []byte) (again time.Duration, err error) {
	ctx, cancel := context.WithTimeout(run, c.Timeout)
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
		var of *url.Error
		if errors.As(err, &of) {
			err = of.Err // without the whole URL
		}
		if errors.Is(err, context.DeadlineExceeded) && run.Err() == nil {
			err = fmt.Errorf("no answer within %s", c.Timeout)
		}
		return 0, fmt.Errorf("sending to %s: %w", c.name, err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // also so that the connection is used again
	if resp.StatusCode/100 == 2 {
		if n, why := rejected(answer); n > 0 {
			return -1, fmt.Errorf("sending to %s: the collector rejects %d of what was sent: %q", c.name, n, why)
		}
		return -1, nil
	}
	err = fmt.Errorf("sending to %s: the collector answers %q", c.name, resp.Status)
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return time.Duration(max(0, seconds)) * time.Second, err
	}
	return -1, err
}

// The fields of a response that report what was rejected: its partial_success, and
// the number and the reason in there.
const (
	fieldPartialSuccess = 1
	fieldRejected       = 1
	fieldReason         = 2
)

// rejected reads the answer to a request that was taken, in part or as a whole. The
// generated types of answers come with a gateway that nothing here needs.
func rejected(answer []byte) (n uint64, why string) {
	for number, value := range protoFields(answer) {
		if number != fieldPartialSuccess {
			continue
		}
		for number, value := range protoFields(value) {
			switch number {
			case fieldRejected:
				n, _ = protowire.ConsumeVarint(value)
			case fieldReason:
				why = string(value)
			}
		}
	}
	return n, why
}

// protoFields iterates over the fields of a message: the content of those with a
// length, the encoding of the others. It ends at what is not a message.
func protoFields(message []byte) iter.Seq2[protowire.Number, []byte] {
	return func(yield func(protowire.Number, []byte) bool) {
		for len(message) > 0 {
			number, kind, n := protowire.ConsumeTag(message)
			if n < 0 {
				return
			}
			message = message[n:]
			if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
				return
			}
			value := message[:n]
			if kind == protowire.BytesType {
				value, _ = protowire.ConsumeBytes(value)
			}
			if !yield(number, value) {
				return
			}
			message = message[n:]
		}
	}
}
