package registry

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// Options configures a Client. The zero value is a client with the host's
// configuration files, the host's certificates and five attempts a request.
type Options struct {
	// Insecure allows plain HTTP and certificates that do not verify, for
	// every registry. InsecureRegistries does for the named hosts.
	Insecure           bool
	InsecureRegistries []string
	// PlainHTTP uses plain HTTP without trying TLS first.
	PlainHTTP bool
	// AuthFile is the credentials file; empty searches the places that
	// Credentials documents.
	AuthFile string
	// CAFile is a PEM file of certificates to trust in addition to the system's.
	// CertDir holds *.crt (to trust) and *.cert with *.key (client pairs).
	CAFile, CertDir string
	// Attempts is how often a request is made before its error counts; zero
	// means DefaultAttempts.
	Attempts int
	// Patience is how long a registry may send nothing; zero means
	// DefaultPatience.
	Patience time.Duration
	// Config is the registries configuration; nil reads the host's.
	Config *Config
	// Log receives one line per event that a user wants to see while waiting:
	// a retry, a resumption, a mirror that does not answer. Nil drops them.
	Log func(line string)
}

// DefaultAttempts is how often a request is made before its error counts.
const DefaultAttempts = 5

// DefaultPatience is how long a registry may send nothing: neither the start of an
// answer, over all attempts, nor the next bytes of one.
const DefaultPatience = time.Minute

// Client talks to registries. It is safe for concurrent use and remembers,
// while it lives, tokens and which repository holds which blob.
type Client struct {
	opts  Options
	cfg   *Config
	creds *Credentials
	tune  tuning

	mu         sync.Mutex
	transports map[string]*session // by host and insecurity
	endpoints  map[string]*endpoint
	holders    map[digest.Digest][]holder
	manifests  map[digest.Digest][]byte // resolved, and about to be read
	held       int                      // bytes in manifests
	down       map[string]error         // mirrors that do not answer
}

// maxResolved bounds how many bytes of resolved manifests are kept for their
// reader.
const maxResolved = 2 * oci.MaxManifest

// keep holds the manifest that Resolve fetched for the next open of it.
func (c *Client) keep(d digest.Digest, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held+len(data) > maxResolved {
		clear(c.manifests)
		c.held = 0
	}
	c.held += len(data) - len(c.manifests[d])
	c.manifests[d] = data
}

// kept returns, once, what keep holds.
func (c *Client) kept(d digest.Digest) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	data, ok := c.manifests[d]
	c.held -= len(data)
	delete(c.manifests, d)
	return data, ok
}

// markDown remembers that a mirror does not answer, so that only the first
// request waits for it.
func (c *Client) markDown(h string, err error) {
	var e *Error
	if !errors.As(err, &e) || e.Status != 0 || e.Err == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down[h] = err
}

func (c *Client) isDown(h string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.down[h] != nil
}

// holder is a repository known to have a blob.
type holder struct{ registry, repository string }

// tuning holds the times that tests shorten.
type tuning struct {
	firstDelay, maxDelay time.Duration // backoff between attempts
	maxRetryAfter        time.Duration // longer waits are the user's decision
	dial, header, stall  time.Duration // connect; first byte of an answer; silence within a body
}

func defaultTuning() tuning {
	return tuning{
		firstDelay: 500 * time.Millisecond, maxDelay: 15 * time.Second,
		maxRetryAfter: time.Minute,
		dial:          10 * time.Second, header: DefaultPatience / 2, stall: DefaultPatience / 2,
	}
}

// within shortens the times to what patience allows: half of it for one attempt,
// so that there is time for another.
func (t tuning) within(patience time.Duration) tuning {
	t.header, t.stall = patience/2, patience/2
	t.dial = min(t.dial, patience/2)
	return t
}

// New returns a client. It reads the configuration files but connects to
// nothing.
func New(o Options) (*Client, error) {
	cfg := o.Config
	if cfg == nil {
		var err error
		if cfg, err = HostConfig(); err != nil {
			return nil, err
		}
	}
	if o.Attempts <= 0 {
		o.Attempts = DefaultAttempts
	}
	if o.Patience <= 0 {
		o.Patience = DefaultPatience
	}
	creds, err := FindCredentials(o.AuthFile)
	if err != nil {
		return nil, err
	}
	return &Client{
		opts: o, cfg: cfg, creds: creds, tune: defaultTuning().within(o.Patience),
		transports: map[string]*session{},
		endpoints:  map[string]*endpoint{},
		holders:    map[digest.Digest][]holder{},
		manifests:  map[digest.Digest][]byte{},
		down:       map[string]error{},
	}, nil
}

// Defaults is where references without a registry belong, by the host's
// configuration.
func (c *Client) Defaults() Defaults { return c.cfg.Defaults() }

// Resolve resolves ref at the registry (or its first mirror that has it).
// The digest of ref, where it has one, is enforced.
func (c *Client) Resolve(ctx context.Context, ref Reference) (ocispec.Descriptor, error) {
	return c.Repository(ref).Resolve(ctx, ref)
}

// Repository returns the repository of ref as a place to read blobs from.
func (c *Client) Repository(ref Reference) *Repository {
	return &Repository{client: c, ref: ref}
}

func (c *Client) log(line string) {
	if c.opts.Log != nil {
		c.opts.Log(line)
	}
}

// remember notes that a repository holds a blob, for mounts.
func (c *Client) remember(d digest.Digest, r Reference) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := holder{r.Registry, r.Repository}
	for _, have := range c.holders[d] {
		if have == h {
			return
		}
	}
	c.holders[d] = append(c.holders[d], h)
}

// mountSource returns another repository of r's registry that holds d.
func (c *Client) mountSource(d digest.Digest, r Reference) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.holders[d] {
		if h.registry == r.Registry && h.repository != r.Repository {
			return h.repository
		}
	}
	return ""
}

// drain empties and closes a body, so that its connection can be used again.
func drain(resp *http.Response) {
	if resp != nil {
		discard(resp.Body)
	}
}
