package registry_test

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

// blobSize is large enough for a transfer to be worth resuming.
const blobSize = 3 << 20

// pullCase is a fault and how a pull through it has to end.
type pullCase struct {
	fault func(r *http.Request, n int) registrytest.Fault
	err   string // empty: the pull succeeds
}

// onBlobs applies a fault to the first times requests of each blob.
func onBlobs(times int, f registrytest.Fault) func(*http.Request, int) registrytest.Fault {
	return func(r *http.Request, n int) registrytest.Fault {
		if strings.Contains(r.URL.Path, "/blobs/sha256") && n <= times {
			return f
		}
		return registrytest.Fault{}
	}
}

// onAll applies a fault to the first times requests of each address.
func onAll(times int, f registrytest.Fault) func(*http.Request, int) registrytest.Fault {
	return func(_ *http.Request, n int) registrytest.Fault {
		if n <= times {
			return f
		}
		return registrytest.Fault{}
	}
}

const always = 1 << 20

var pullCases = map[string]pullCase{
	"none":                        {fault: onAll(0, registrytest.Fault{})},
	"cut twice":                   {fault: onBlobs(2, registrytest.Fault{CutAfter: 1 << 20})},
	"cut, and ranges are ignored": {fault: onBlobs(2, registrytest.Fault{CutAfter: 1 << 20, NoRange: true})},
	"cut always after progress":   {fault: onBlobs(always, registrytest.Fault{CutAfter: 300 << 10})},
	"cut before the first byte": {
		fault: onBlobs(always, registrytest.Fault{CutRequest: true}), err: "the connection broke",
	},
	"stalls once":    {fault: onBlobs(1, registrytest.Fault{Stall: 2 * time.Second})},
	"truncated once": {fault: onBlobs(1, registrytest.Fault{Truncate: 100})},
	"truncated always": {
		fault: onBlobs(always, registrytest.Fault{Truncate: blobSize}), err: "broke 5 times in a row",
	},
	"corrupt": {
		fault: onBlobs(always, registrytest.Fault{Corrupt: true}), err: "is corrupt: its digest is",
	},
	"429 then well": {fault: onAll(2, registrytest.Fault{Status: 429})},
	"429 for too long": {
		fault: onAll(always, registrytest.Fault{Status: 429, RetryAfter: "3600"}), err: "too many requests",
	},
	"500 then well": {fault: onAll(3, registrytest.Fault{Status: 500})},
	"502 always": {
		fault: onAll(always, registrytest.Fault{Status: 502}), err: "it answered 502 Bad Gateway",
	},
	"manifest corrupt": {
		fault: onManifests(registrytest.Fault{Corrupt: true}), err: "it served a manifest with digest",
	},
	"manifest truncated": {
		fault: onManifests(registrytest.Fault{Truncate: 10}), err: "it served a manifest with digest",
	},
	"manifest is HTML": {
		fault: onManifests(registrytest.Fault{Location: "/v2/"}), err: "which is not an OCI manifest",
	},
	"connections cut": {
		fault: onAll(always, registrytest.Fault{CutRequest: true}), err: "the connection broke",
	},
	"forbidden": {fault: onManifests(registrytest.Fault{Status: 403}), err: "access forbidden"},
}

func onManifests(f registrytest.Fault) func(*http.Request, int) registrytest.Fault {
	return func(r *http.Request, _ int) registrytest.Fault {
		if strings.Contains(r.URL.Path, "/manifests/") {
			return f
		}
		return registrytest.Fault{}
	}
}

func TestPullThroughFaults(t *testing.T) {
	srv := registrytest.Start(t, registrytest.Config{})
	a := registrytest.NewArtifact(t, 3, blobSize)
	pushTo(t, srv.Addr, a)
	for name, tc := range pullCases {
		t.Run(name, func(t *testing.T) {
			proxy := registrytest.NewProxy(t, srv.Addr, tc.fault)
			c := newClient(t, registry.Options{}).WithShortTimeouts()
			s, err := store.Open(filepath.Join(t.TempDir(), "state"))
			if err != nil {
				t.Fatal(err)
			}
			err = pull(c, s, parse(t, proxy.Addr+"/g:v1"))
			checkOutcome(t, err, tc.err)
			checkStore(t, s, a, err == nil)
		})
	}
}

// pull copies ref into the store, for one architecture.
func pull(c *registry.Client, s *store.Store, ref registry.Reference) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	root, err := c.Resolve(ctx, ref)
	if err != nil {
		return err
	}
	return s.Put(ctx, c.Repository(ref), root, "g:v1", []arch.Arch{arch.AMD64})
}

func pushTo(t *testing.T, addr string, a *registrytest.Artifact) {
	t.Helper()
	c := newClient(t, registry.Options{})
	_, err := c.Push(context.Background(), registry.PushRequest{
		Blobs: a, Root: a.Root, Repository: parse(t, addr+"/g"), Tags: []string{"v1"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkOutcome(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("error %v, want none", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("error %v, want one with %q", err, want)
	case err != nil && (strings.Contains(err.Error(), "\n") || strings.Count(err.Error(), "sha256:") > 4):
		t.Errorf("error is not a single sentence: %v", err)
	}
}

// checkStore fails the test unless the store is clean and has the artifact
// whole or not at all.
func checkStore(t *testing.T, s *store.Store, a *registrytest.Artifact, whole bool) {
	t.Helper()
	found, err := s.Fsck(context.Background(), false)
	if err != nil || len(found) > 0 {
		t.Errorf("fsck: %v, %v", found, err)
	}
	if _, err := s.Resolve("g:v1"); whole != (err == nil) || err != nil && !errors.Is(err, oci.ErrNotFound) {
		t.Errorf("Resolve = %v, whole = %v", err, whole)
	}
	if s.Has(a.Root) != whole || s.Has(a.Layers[arch.AMD64]) != whole || s.Has(a.Layers[arch.ARM64]) {
		t.Errorf("blobs: root %v, layer %v, other layer %v; want the first two %v", s.Has(a.Root),
			s.Has(a.Layers[arch.AMD64]), s.Has(a.Layers[arch.ARM64]), whole)
	}
}

func TestPullResumesInAnotherRun(t *testing.T) {
	srv := registrytest.Start(t, registrytest.Config{})
	a := registrytest.NewArtifact(t, 3, blobSize)
	pushTo(t, srv.Addr, a)
	s, err := store.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	const first = 2 << 20
	broken := registrytest.NewProxy(t, srv.Addr, onBlobs(1, registrytest.Fault{CutAfter: first}))
	c := newClient(t, registry.Options{Attempts: 1}).WithShortTimeouts()
	if err := pull(c, s, parse(t, broken.Addr+"/g:v1")); err == nil {
		t.Fatal("the first pull succeeded")
	}
	// Only what is missing is fetched: a fault that changes nothing, but counts.
	whole := registrytest.NewProxy(t, srv.Addr, onBlobs(always, registrytest.Fault{CutAfter: 1 << 30}))
	if err := pull(c, s, parse(t, whole.Addr+"/g:v1")); err != nil {
		t.Fatal(err)
	}
	if got := whole.Bytes(); got > blobSize-first+1000 {
		t.Errorf("the second pull fetched %d bytes of blobs, want about %d", got, blobSize-first)
	}
	checkStore(t, s, a, true)
}

func TestPushThroughFaults(t *testing.T) {
	srv := registrytest.Start(t, registrytest.Config{})
	cases := map[string]pullCase{
		"uploads fail 3 times": {fault: onUploads(3, registrytest.Fault{Status: 503})},
		"uploads are cut":      {fault: onUploads(2, registrytest.Fault{CutRequest: true})},
		"starts fail":          {fault: onMethod("POST", 3, registrytest.Fault{Status: 500})},
		"starts always fail":   {fault: onMethod("POST", always, registrytest.Fault{Status: 500}), err: "it answered 500"},
		"uploads always fail":  {fault: onMethod("PUT", always, registrytest.Fault{Status: 502}), err: "it answered 502"},
		"read-only": {
			fault: onMethod("POST", always, registrytest.Fault{Status: 405}), err: "does not accept this",
		},
		"429 with a time": {fault: onMethod("HEAD", 1, registrytest.Fault{Status: 429, RetryAfter: "1"})},
	}
	seed := uint64(100)
	for name, tc := range cases {
		seed++
		a := registrytest.NewArtifact(t, seed, 500_000)
		t.Run(name, func(t *testing.T) {
			proxy := registrytest.NewProxy(t, srv.Addr, tc.fault)
			c := newClient(t, registry.Options{}).WithShortTimeouts()
			ref := parse(t, proxy.Addr+"/push/"+strings.ReplaceAll(name, " ", "-")+":v1")
			_, err := c.Push(context.Background(), registry.PushRequest{
				Blobs: a, Root: a.Root, Repository: ref, Tags: []string{"v1"},
			})
			checkOutcome(t, err, tc.err)
			direct := ref
			direct.Registry = srv.Addr
			_, resolved := newClient(t, registry.Options{}).Resolve(context.Background(), direct)
			if (resolved == nil) != (tc.err == "") {
				t.Errorf("after the push the tag resolves with %v", resolved)
			}
		})
	}
}

func onMethod(method string, times int, f registrytest.Fault) func(*http.Request, int) registrytest.Fault {
	return func(r *http.Request, n int) registrytest.Fault {
		if r.Method == method && n <= times {
			return f
		}
		return registrytest.Fault{}
	}
}

// onUploads applies a fault to the first uploads, whatever their addresses,
// which differ for each attempt.
func onUploads(times int64, f registrytest.Fault) func(*http.Request, int) registrytest.Fault {
	var count atomic.Int64
	return func(r *http.Request, _ int) registrytest.Fault {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/blobs/") && count.Add(1) <= times {
			return f
		}
		return registrytest.Fault{}
	}
}
