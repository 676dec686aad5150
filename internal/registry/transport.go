package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// maxDiscard bounds what is read from an answer only to reuse its connection.
const maxDiscard = 64 << 10

// userAgent names this project to registries.
const userAgent = "gadget-run"

// session is the unauthenticated connection pool to one host, and how the
// host is to be reached.
type session struct {
	registry name.Registry
	base     http.RoundTripper
	// guess uses plain HTTP and tries nothing twice. It is nil unless the host
	// is this machine: what listens there mostly has no certificate.
	guess http.RoundTripper

	mu        sync.Mutex
	challenge *transport.Challenge
}

// guessWait is how long the answer to a guess is waited for.
const guessWait = 300 * time.Millisecond

// ping finds out, once, the host's scheme and its way of authentication. An
// attempt at TLS takes as long as a manifest does, so it follows the guess.
func (s *session) ping(ctx context.Context) (*transport.Challenge, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.challenge == nil && s.guess != nil {
		soon, cancel := context.WithTimeout(ctx, guessWait)
		defer cancel()
		s.challenge, _ = transport.Ping(soon, s.registry, s.guess)
	}
	var err error
	if s.challenge == nil {
		s.challenge, err = transport.Ping(ctx, s.registry, s.base)
	}
	return s.challenge, err
}

// authenticated returns a transport that shows auth, or the token that the
// host's token server gives for it.
func (s *session) authenticated(ctx context.Context, auth authn.Authenticator, pr *transport.Challenge,
	scopes []string,
) (http.RoundTripper, error) {
	cfg, err := authn.Authorization(ctx, auth)
	if err != nil {
		return nil, err
	}
	if cfg.RegistryToken != "" { // a token from the credentials file is not exchanged
		return transport.NewWithContext(ctx, s.registry, auth, s.base, scopes)
	}
	if !strings.EqualFold(pr.Scheme, "bearer") {
		return transport.FromToken(s.registry, auth, s.base, pr, nil)
	}
	token, err := transport.Exchange(ctx, s.registry, auth, s.base, scopes, pr)
	if err != nil {
		return nil, err
	}
	if token.Token == "" {
		token.Token = token.AccessToken
	}
	return transport.FromToken(s.registry, auth, s.base, pr, token)
}

// endpoint is the authenticated access to one repository of one host.
type endpoint struct {
	client *http.Client
	url    string // scheme://host/v2/repository
	host   string
}

// where is one place that may serve a repository: the registry itself or a
// mirror of it.
type where struct {
	host, repository string
	insecure         bool
	mirror           bool
}

func endpointKey(w where, action string, also ...string) string {
	return strings.Join(append([]string{w.host, w.repository, action}, also...), " ")
}

// endpointFor returns the access to w with the given action (transport.PullScope or
// PushScope). Repositories in also are readable with it, for mounts.
func (c *Client) endpointFor(ctx context.Context, w where, action string, also ...string) (*endpoint, error) {
	key := endpointKey(w, action, also...)
	c.mu.Lock()
	ep := c.endpoints[key]
	c.mu.Unlock()
	if ep != nil {
		return ep, nil
	}
	s, err := c.session(w)
	if err != nil {
		return nil, err
	}
	auth, err := c.creds.authenticator(ctx, w.host, w.repository)
	if err != nil {
		return nil, err
	}
	scopes := []string{s.registry.Repo(w.repository).Scope(action)}
	for _, repo := range also {
		scopes = append(scopes, s.registry.Repo(repo).Scope(transport.PullScope))
	}
	pr, err := s.ping(ctx)
	if err != nil {
		return nil, c.explain(err, w.host)
	}
	inner, err := s.authenticated(ctx, auth, pr, scopes)
	if err != nil {
		return nil, c.explain(err, w.host)
	}
	rt := &challenged{session: s, auth: auth, scopes: scopes, way: wayOf(pr), inner: inner}
	scheme := "https"
	if pr.Insecure {
		scheme = "http"
	}
	ep = &endpoint{
		client: &http.Client{Transport: rt},
		url:    fmt.Sprintf("%s://%s/v2/%s", scheme, w.host, w.repository),
		host:   w.host,
	}
	c.mu.Lock()
	c.endpoints[key] = ep
	c.mu.Unlock()
	return ep, nil
}

// session returns the connection pool to w's host.
func (c *Client) session(w where) (*session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.transports[w.host]; s != nil {
		return s, nil
	}
	insecure := w.insecure || c.insecure(w.host)
	tlsConfig, err := c.tlsConfig(w.host, insecure)
	if err != nil {
		return nil, err
	}
	asked := insecure || c.opts.PlainHTTP
	allowHTTP := asked || isLoopback(w.host)
	opts := []name.Option{name.WeakValidation}
	if allowHTTP {
		opts = append(opts, name.Insecure)
	}
	reg, err := name.NewRegistry(w.host, opts...)
	if err != nil {
		return nil, fmt.Errorf("registry %q: %w", w.host, err)
	}
	pool := limitedDiscard{c.httpTransport(tlsConfig)}
	s := &session{registry: reg, base: transport.NewUserAgent(&retrier{
		client: c,
		inner:  &guard{insecure: c.insecureHost(w.host, asked), plainOnly: c.opts.PlainHTTP, inner: pool},
	}, userAgent)}
	if isLoopback(w.host) {
		s.guess = transport.NewUserAgent(&guard{insecure: func(string) bool {
			return false
		}, plainOnly: true, inner: pool}, userAgent)
	}
	c.transports[w.host] = s
	return s, nil
}

// insecureHost returns which hosts the user allows plain HTTP for:
// h where that was requested, and those that are named so themselves.
func (c *Client) insecureHost(h string, asked bool) func(string) bool {
	return func(other string) bool { return asked && other == h || c.insecure(other) }
}

func (c *Client) insecure(h string) bool {
	if c.opts.Insecure {
		return true
	}
	for _, r := range c.opts.InsecureRegistries {
		if host(r) == h {
			return true
		}
	}
	return false
}

func (c *Client) httpTransport(cfg *tls.Config) *http.Transport {
	return &http.Transport{
		Proxy:                 proxy,
		DialContext:           c.dial,
		TLSClientConfig:       cfg,
		TLSHandshakeTimeout:   c.tune.dial,
		ResponseHeaderTimeout: c.tune.header,
		ExpectContinueTimeout: time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   maxParallel,
		IdleConnTimeout:       90 * time.Second,
		DisableCompression:    true, // blobs are what their digest says, byte for byte
	}
}

// proxy is that of the environment, but for hosts that are this machine.
func proxy(req *http.Request) (*url.URL, error) {
	if isLoopback(req.URL.Host) {
		return nil, nil
	}
	return http.ProxyFromEnvironment(req)
}

// dial connects, and where the name says that the host is this machine to no
// other address: what a name resolves to is for others to say.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: c.tune.dial, KeepAlive: 30 * time.Second}
	if isLoopback(address) {
		d.Control = func(_, resolved string, _ syscall.RawConn) error { return checkLoopback(address, resolved) }
	}
	return d.DialContext(ctx, network, address)
}

// errNotHere refuses a name of this machine that leads to another one.
var errNotHere = errors.New("the name is reserved for this machine and resolves to another")

func checkLoopback(name, resolved string) error {
	host, _, err := net.SplitHostPort(resolved)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("%w: %s, which is %s", errNotHere, name, host)
	}
	return nil
}

// errPlainHTTP refuses a request that would cross the network unencrypted.
var errPlainHTTP = errors.New("plain HTTP is refused")

// errNoTLS stops the attempt at TLS where plain HTTP alone is tried.
var errNoTLS = errors.New("TLS is not tried")

// guard keeps requests, and with them credentials, off unencrypted connections
// that was not requested: each request for itself, since a registry may redirect
// to another host or name its token server there.
type guard struct {
	insecure  func(host string) bool
	plainOnly bool
	inner     http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme == "http" && !isLoopback(req.URL.Host) && !g.insecure(req.URL.Host) {
		return nil, fmt.Errorf("%w: %s", errPlainHTTP, req.URL.Host)
	}
	if req.URL.Scheme == "https" && g.plainOnly && req.URL.Path == "/v2/" {
		return nil, errNoTLS
	}
	return g.inner.RoundTrip(req)
}

// bounded cuts off what is not read for its content: refusals, and the answer
// that only shows that a registry is there. The library reads those to their end.
type limitedDiscard struct{ inner http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b limitedDiscard) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.inner.RoundTrip(req)
	if err == nil && (resp.StatusCode >= http.StatusBadRequest || req.URL.Path == "/v2/") {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxDiscard), resp.Body}
	}
	return resp, err
}

// isLoopback reports whether host[:port] is this machine.
func isLoopback(h string) bool {
	name := h
	if n, _, err := net.SplitHostPort(h); err == nil {
		name = n
	}
	name = strings.Trim(name, "[]")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}

func discard(body io.ReadCloser) {
	_, _ = io.Copy(io.Discard, io.LimitReader(body, maxDiscard))
	_ = body.Close()
}
