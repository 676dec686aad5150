package registrytest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// Served is a registry that lies: it serves, read-only, what a test puts into
// it, whether that makes sense or not. Real registries refuse to take most of
// what a hostile one can serve.
type Served struct {
	Addr string
	// Answer may answer a request in its own way, and then returns true.
	Answer func(w http.ResponseWriter, r *http.Request) bool

	mu        sync.Mutex
	content   oci.Memory
	types     map[digest.Digest]string
	tags      map[string]ocispec.Descriptor
	referrers map[digest.Digest][]ocispec.Descriptor
	seen      []string
}

// NewServed starts an empty one, which ends with the test.
func NewServed(tb testing.TB) *Served {
	tb.Helper()
	s := &Served{
		content: oci.Memory{}, types: map[digest.Digest]string{},
		tags: map[string]ocispec.Descriptor{}, referrers: map[digest.Digest][]ocispec.Descriptor{},
	}
	srv := httptest.NewServer(s)
	tb.Cleanup(srv.Close)
	s.Addr = strings.TrimPrefix(srv.URL, "http://")
	return s
}

// Add puts blobs into every repository.
func (s *Served) Add(blobs ...oci.Blob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range blobs {
		s.content[b.Digest], s.types[b.Digest] = b.Data, b.MediaType
	}
}

// Tag sets a tag to d.
func (s *Served) Tag(tag string, d ocispec.Descriptor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tags[tag] = d
}

// Refer lists d among the referrers of subject.
func (s *Served) Refer(subject digest.Digest, d ocispec.Descriptor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.referrers[subject] = append(s.referrers[subject], d)
}

// Seen returns the requests, as method and path, whose path has the given part.
func (s *Served) Seen(part string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []string
	for _, line := range s.seen {
		if strings.Contains(line, part) {
			found = append(found, line)
		}
	}
	return found
}

// ServeHTTP implements http.Handler.
func (s *Served) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.seen = append(s.seen, r.Method+" "+r.URL.Path)
	s.mu.Unlock()
	if s.Answer != nil && s.Answer(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	part := strings.Split(r.URL.Path, "/")
	if len(part) < 3 || r.URL.Path == "/v2/" {
		return
	}
	name := part[len(part)-1]
	switch part[len(part)-2] {
	case "referrers":
		w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
		_ = json.NewEncoder(w).Encode(ocispec.Index{
			Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex,
			Manifests: s.referrers[digest.Digest(name)],
		})
	case "manifests", "blobs":
		d := digest.Digest(name)
		if tagged, ok := s.tags[name]; ok {
			d = tagged.Digest
		}
		data, ok := s.content[d]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", s.types[d])
		_, _ = w.Write(data)
	default:
		http.NotFound(w, r)
	}
}
