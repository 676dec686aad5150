package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// twelfths are the parts of the time in a curve.
const twelfths = 12

// recorder notes the requests to a server.
type recorder struct {
	name string
	http.Handler

	mu       sync.Mutex
	begin    time.Time
	requests []request
	took     time.Duration // of the round
	busy     int
	maxBusy  int
}

type request struct {
	at           time.Duration
	method, path string
}

// ServeHTTP implements http.Handler.
func (r *recorder) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	r.requests = append(r.requests, request{time.Since(r.begin), q.Method, q.URL.Path})
	r.busy++
	r.maxBusy = max(r.maxBusy, r.busy)
	r.mu.Unlock()
	r.Handler.ServeHTTP(w, q)
	r.mu.Lock()
	r.busy--
	r.mu.Unlock()
}

// reset begins a round.
func (r *recorder) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begin, r.requests, r.maxBusy = time.Now(), nil, 0
}

// end ends the round.
func (r *recorder) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.took = time.Since(r.begin)
}

// summary counts the requests.
func (r *recorder) summary() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.requests) == 0 {
		return "no request"
	}
	methods := map[string]int{}
	seconds := map[int]int{}
	for _, q := range r.requests {
		methods[q.method]++
		seconds[int(q.at/time.Second)]++
	}
	var parts []string
	for m, n := range methods {
		parts = append(parts, fmt.Sprintf("%d %s", n, m))
	}
	slices.Sort(parts)
	peak := 0
	for _, n := range seconds {
		peak = max(peak, n)
	}
	return fmt.Sprintf("%s in %.0f s, at most %d in one second, %d at once",
		strings.Join(parts, ", "), r.took.Seconds(), peak, r.maxBusy)
}

// curve shows when the requests came.
func (r *recorder) curve() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var count [twelfths]int
	for _, q := range r.requests {
		count[min(int(q.at*twelfths/max(r.took, 1)), twelfths-1)]++
	}
	var parts []string
	for _, n := range count {
		parts = append(parts, fmt.Sprint(n))
	}
	if len(r.requests) == 0 {
		return ""
	}
	return strings.Join(parts, " ")
}

// notByDigest returns the requests that are neither for content by its digest nor
// the question whether a registry is there.
func (r *recorder) notByDigest() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var odd []string
	for _, q := range r.requests {
		content := strings.Contains(q.path, "/blobs/sha256:") || strings.Contains(q.path, "/manifests/sha256:")
		if q.method != http.MethodGet || !content && q.path != "/v2/" {
			odd = append(odd, q.method+" "+q.path)
		}
	}
	return odd
}
