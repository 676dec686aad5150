package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestManySyncs checks the load of a fleet on a registry: content by digest alone,
// each node each content once, a mirror's content once for all nodes, spread over
// the time of --jitter, and nothing from nodes that have everything.
func TestManySyncs(t *testing.T) {
	t.Setenv("GADGET_RUN_REGISTRIES", "")
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	const nodes, gadgets = 100, 2
	o := options{nodes: nodes, gadgets: gadgets, layer: 1000, jitter: 2 * time.Second, atOnce: nodes, tmp: t.TempDir()}
	// Of each gadget: index, manifest, config, object, referrer; of all referrers: their text.
	const first, changed = 5*gadgets + 1, 4 // a changed gadget has its config already
	for _, mirrored := range []bool{false, true} {
		err := scenario(context.Background(), o, mirrored, func(round string, servers []*recorder) error {
			each := map[string]int{roundFirst: first, roundChanged: changed}[round]
			for _, r := range servers {
				name := fmt.Sprintf("mirror %v, %s, %s", mirrored, round, r.name)
				if diff := cmp.Diff([]string(nil), r.notByDigest()); diff != "" {
					t.Errorf("%s: requests not by digest (-want +got):\n%s", name, diff)
				}
				want := nodes * each
				if mirrored && r.name == "registry" {
					want = each
				}
				if got := r.content(); got != want {
					t.Errorf("%s: %d requests for content, want %d", name, got, want)
				}
			}
			if last := servers[len(servers)-1]; round == roundFirst {
				spread(t, last, o.jitter)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// content counts the requests for content.
func (r *recorder) content() int {
	n := 0
	for _, q := range r.requests {
		if strings.Contains(q.path, "sha256:") {
			n++
		}
	}
	return n
}

// spread fails when the first part of the jitter has most of the requests.
func spread(t *testing.T, r *recorder, jitter time.Duration) {
	t.Helper()
	early := 0
	for _, q := range r.requests {
		if q.at < jitter/4 {
			early++
		}
	}
	if early > len(r.requests)/2 {
		t.Errorf("%d of %d requests came in the first quarter of the jitter", early, len(r.requests))
	}
}

func TestNotByDigest(t *testing.T) {
	r := &recorder{requests: []request{
		{method: http.MethodGet, path: "/v2/g/manifests/sha256:1"},
		{method: http.MethodHead, path: "/v2/g/manifests/sha256:1"},
		{method: http.MethodGet, path: "/v2/g/manifests/v1"},
		{method: http.MethodGet, path: "/v2/g/referrers/sha256:1"},
	}}
	if got := r.notByDigest(); len(got) != 3 {
		t.Errorf("%q", got)
	}
}
