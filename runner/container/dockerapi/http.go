// Package dockerapi queries docker, and podman, which implements the same protocol and
// another one of its own.
package dockerapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/rules-gadget/rules_gadget/runner/container/source"
)

// maxMessage is how much of the text of an error is read.
const maxMessage = 4 << 10

// errNotFound is the answer 404.
var errNotFound = errors.New("not found")

// api is HTTP over a unix socket, with limits.
type api struct{ http *http.Client }

func newAPI(socket string) api {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	return api{&http.Client{
		Transport: &http.Transport{
			DialContext: dial, DisableCompression: true, MaxIdleConns: 2, MaxResponseHeaderBytes: 1 << 16,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close ends the unused connections.
func (a api) Close() error {
	a.http.CloseIdleConnections()
	return nil
}

// open sends a GET and returns the body of a good answer.
func (a api) open(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	u := url.URL{Scheme: "http", Host: "localhost", Path: path, RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := a.http.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // the URL adds nothing
		}
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound {
		return nil, fmt.Errorf("%s: %w", path, errNotFound)
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
	return nil, &statusError{path: path, status: resp.Status, text: strings.TrimSpace(string(text))}
}

// statusError is an answer that is none.
type statusError struct{ path, status, text string }

// Error has the call and the message of the runtime.
func (r *statusError) Error() string {
	return fmt.Sprintf("%s: answer %s: %q", r.path, r.status, r.text)
}

// get reads a whole answer.
func (a api) get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, source.Timeout)
	defer cancel()
	body, err := a.open(ctx, path, query)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, source.MaxAnswer+1))
	if err == nil && len(data) > source.MaxAnswer {
		err = fmt.Errorf("%s: the answer is longer than %d bytes", path, source.MaxAnswer)
	}
	return data, err
}

// stream is a stream of JSON objects, one a line.
type stream struct {
	path  string
	query url.Values
}

// follow reads a stream until it ends.
func (a api) follow(ctx context.Context, s stream, opened func(), line func([]byte) error) error {
	body, err := a.open(ctx, s.path, s.query)
	if err != nil {
		return err
	}
	defer body.Close()
	opened()
	sc := bufio.NewScanner(body)
	sc.Buffer(make([]byte, 0, 4<<10), source.MaxEvent)
	for sc.Scan() {
		if err := line(sc.Bytes()); err != nil {
			return err
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return fmt.Errorf("%s: %w", s.path, io.ErrUnexpectedEOF)
}

// filters is the query parameter that both APIs take.
func filters(f map[string][]string) string {
	text, _ := json.Marshal(f) // strings are always good JSON
	return string(text)
}
