package registry

import (
	"net/http"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// challenged follows the challenge of any answer, not that of /v2/ alone: a
// registry may be open there and want a token, of any token server, or a
// password for a repository.
type challenged struct {
	session *session
	auth    authn.Authenticator
	scopes  []string

	mu    sync.Mutex
	way   way // how inner authenticates
	inner http.RoundTripper
}

// way is a way of authentication: what a challenge requires.
type way struct{ scheme, realm, service string }

func wayOf(pr *transport.Challenge) way {
	return way{strings.ToLower(pr.Scheme), pr.Parameters["realm"], pr.Parameters["service"]}
}

// RoundTrip implements http.RoundTripper.
func (c *challenged) RoundTrip(req *http.Request) (*http.Response, error) {
	c.mu.Lock()
	inner, was := c.inner, c.way
	c.mu.Unlock()
	resp, err := inner.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || req.URL.Host != c.session.registry.RegistryStr() {
		return resp, err
	}
	pr := c.challenge(resp)
	if pr == nil || wayOf(pr) == was {
		return resp, nil
	}
	again := c.follow(req, pr)
	if again == nil || !repeatable(req) {
		return resp, nil
	}
	next, err := rewound(req)
	if err != nil {
		return resp, nil
	}
	drain(resp)
	next = next.Clone(next.Context())
	next.Header.Del("Authorization")
	return again.RoundTrip(next)
}

// challenge returns what resp requires, and nil where nothing can be shown. The
// library reads challenges of /v2/ alone, so it gets resp for an answer to that.
func (c *challenged) challenge(resp *http.Response) *transport.Challenge {
	pr, err := transport.Ping(resp.Request.Context(), c.session.registry, answered(resp.Header))
	if err != nil || pr.Scheme == "" || !strings.EqualFold(pr.Scheme, "bearer") && c.auth == authn.Anonymous {
		return nil
	}
	pr.Insecure = resp.Request.URL.Scheme == "http"
	return pr
}

// answered is a refusal with these headers, to any request.
type answered http.Header

// RoundTrip implements http.RoundTripper.
func (h answered) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusUnauthorized, Header: http.Header(h), Body: http.NoBody, Request: req},
		nil
}

// follow changes to the way that pr requires. It returns nil where that gives
// no access; the answer with the challenge says why.
func (c *challenged) follow(req *http.Request, pr *transport.Challenge) http.RoundTripper {
	scopes := c.scopes
	if scope := pr.Parameters["scope"]; scope != "" {
		scopes = append([]string{scope}, scopes...)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.way == wayOf(pr) { // another request was first
		return c.inner
	}
	inner, err := c.session.authenticated(req.Context(), c.auth, pr, scopes)
	if err != nil {
		return nil
	}
	c.way, c.inner = wayOf(pr), inner
	return inner
}
