package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

// about makes a document that refers to root.
func about(tb testing.TB, root ocispec.Descriptor, text string) (oci.Memory, store.Referrer) {
	tb.Helper()
	blobs, d, err := registry.ReferrerManifest(root, registry.Document{
		MediaType: "application/spdx+json", Data: []byte(text),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return blobs, store.Referrer{Target: d}
}

// putAbout stores documents about root.
func putAbout(tb testing.TB, s *store.Store, root ocispec.Descriptor, texts ...string) []store.Referrer {
	tb.Helper()
	from := oci.Memory{}
	var all []store.Referrer
	for _, text := range texts {
		blobs, r := about(tb, root, text)
		for d, data := range blobs {
			from[d] = data
		}
		all = append(all, r)
	}
	if err := s.PutReferrers(context.Background(), from, root.Digest, all); err != nil {
		tb.Fatal(err)
	}
	return all
}

// both reads from the second place what the first does not have.
type both [2]oci.Blobs

func (b both) Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	r, err := b[0].Open(ctx, d)
	if errors.Is(err, oci.ErrNotFound) {
		return b[1].Open(ctx, d)
	}
	return r, err
}

func readIndex(t *testing.T, s *store.Store) []ocispec.Descriptor {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.Dir(), "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var idx ocispec.Index
	if err := json.Unmarshal(data, &idx); err != nil {
		t.Fatal(err)
	}
	return idx.Manifests
}

func TestReferrersLiveAsLongAsTheArtifact(t *testing.T) {
	ctx := context.Background()
	s := open(t)
	a, b := registrytest.NewArtifact(t, 1, 100), registrytest.NewArtifact(t, 2, 100)
	kept := putAbout(t, s, a.Root, "one", "two")
	put(t, s, a, "example.com/a:v1")
	put(t, s, b, "example.com/b:v1")
	putAbout(t, s, b.Root, "other")
	if n := len(readIndex(t, s)); n != 5 {
		t.Errorf("index.json has %d entries, want 2 names and 3 documents", n)
	}
	if _, err := s.Tag(ctx, "example.com/a:v1", "example.com/a:v2"); err != nil {
		t.Fatal(err)
	}
	if err := s.Untag(ctx, "example.com/a:v1"); err != nil {
		t.Fatal(err)
	}
	gc := func() {
		t.Helper()
		if _, err := s.GC(ctx, store.GCOptions{}); err != nil {
			t.Fatal(err)
		}
		checkClean(t, s)
	}
	gc()
	got, err := s.Referrers(a.Root.Digest)
	if err != nil || len(got) != 2 || !s.Has(kept[0].Target) || got[0].Target.ArtifactType != "application/spdx+json" {
		t.Fatalf("Referrers = %+v, %v; want the two documents", got, err)
	}
	usage, err := s.Usage(ctx)
	if err != nil || !slices.ContainsFunc(usage, func(u store.Usage) bool {
		return u.Digest == kept[0].Target.Digest && slices.Equal(u.Refs, []string{"example.com/a:v2"})
	}) {
		t.Errorf("Usage does not count the document to its artifact: %v", err)
	}
	if err := s.Untag(ctx, "example.com/a:v2"); err != nil {
		t.Fatal(err)
	}
	if n := len(readIndex(t, s)); n != 2 {
		t.Errorf("index.json has %d entries, want one name and its document", n)
	}
	gc()
	if got, err := s.Referrers(a.Root.Digest); err != nil || len(got) > 0 || s.Has(kept[0].Target) {
		t.Errorf("documents outlive their artifact: %v, %v", got, err)
	}
	if got, err := s.Referrers(b.Root.Digest); err != nil || len(got) != 1 {
		t.Errorf("those of another artifact are gone: %v, %v", got, err)
	}
}

// TestReferrersOfManifests: what is about a manifest of the artifact, and what is
// about that, lives as long as the artifact.
func TestReferrersOfManifests(t *testing.T) {
	s := open(t)
	a := registrytest.NewArtifact(t, 1, 100)
	platform := a.Manifests[arch.ARM64]
	from, sbom := about(t, platform, "an SBOM")
	more, signature := about(t, sbom.Target, "its signature")
	sbom.Subject, signature.Subject = platform.Digest, sbom.Target.Digest
	if err := s.PutReferrers(t.Context(), both{from, more}, a.Root.Digest, []store.Referrer{signature, sbom}); err != nil {
		t.Fatal(err)
	}
	put(t, s, a, "example.com/a:v1")
	for _, want := range []bool{true, false} {
		if _, err := s.GC(t.Context(), store.GCOptions{}); err != nil {
			t.Fatal(err)
		}
		checkClean(t, s)
		if s.Has(sbom.Target) != want || s.Has(signature.Target) != want {
			t.Errorf("the SBOM of a platform and its signature are here: %v, %v; want %v", s.Has(sbom.Target),
				s.Has(signature.Target), want)
		}
		if want {
			if got := len(readIndex(t, s)); got != 3 {
				t.Errorf("index.json has %d entries, want 3", got)
			}
			if err := s.Untag(t.Context(), "example.com/a:v1"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestReferrersAdded: a second pull may know less, or more.
func TestReferrersAdded(t *testing.T) {
	s := open(t)
	a := registrytest.NewArtifact(t, 1, 100)
	put(t, s, a, "example.com/a:v1")
	putAbout(t, s, a.Root, "one", "two")
	putAbout(t, s, a.Root, "two", "three")
	tag := strings.Replace(a.Root.Digest.String(), ":", "-", 1) + ".sig"
	for i := range 2 { // the tag moves
		sig := registrytest.NewArtifact(t, uint64(10+i), 10)
		if err := s.PutReferrers(context.Background(), sig, a.Root.Digest,
			[]store.Referrer{{Target: sig.Root, Tag: tag}}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Referrers(a.Root.Digest)
	if err != nil || len(got) != 4 {
		t.Errorf("%d, %v; want three documents and one tag", len(got), err)
	}
	checkClean(t, s)
}

func TestReferrersRefused(t *testing.T) {
	ctx := context.Background()
	a, other := registrytest.NewArtifact(t, 1, 100), registrytest.NewArtifact(t, 2, 100)
	blobs, good := about(t, a.Root, "good")
	elsewhere, wrong := about(t, other.Root, "about another")
	huge := good
	huge.Target.Size = 5 << 20
	for name, tc := range map[string]struct {
		from oci.Blobs
		r    store.Referrer
		want string
	}{
		"about another artifact": {elsewhere, wrong, "does not refer to "},
		"no subject":             {other, store.Referrer{Target: other.Root}, "does not refer to "},
		"itself":                 {a, store.Referrer{Target: a.Root}, "refers to itself"},
		"content is missing":     {oci.Memory{good.Target.Digest: blobs[good.Target.Digest]}, good, "not found"},
		"too large":              {blobs, huge, "at most"},
		"another's tag": {blobs, store.Referrer{Target: good.Target, Tag: strings.Replace(other.Root.Digest.String(),
			":", "-", 1) + ".sig"}, "is not one for what belongs to"},
		"subject is not a digest": {blobs, store.Referrer{Target: good.Target, Subject: "../../x"}, "digest"},
		"another subject": {
			blobs, store.Referrer{Target: good.Target, Subject: a.Manifests[arch.AMD64].Digest}, "does not refer to ",
		},
		"a path as tag": {
			blobs, store.Referrer{Target: good.Target, Tag: "../../x"}, "is not one for what belongs to",
		},
		"no manifest": {blobs, store.Referrer{Target: ocispec.Descriptor{
			MediaType: "text/plain", Digest: good.Target.Digest, Size: good.Target.Size,
		}}, "not an OCI manifest"},
	} {
		s := open(t)
		put(t, s, a, "example.com/a:v1")
		err := s.PutReferrers(ctx, tc.from, a.Root.Digest, []store.Referrer{tc.r})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
		// What is sound beside it is kept.
		_, beside := about(t, a.Root, "beside")
		more, _ := about(t, a.Root, "beside")
		err = s.PutReferrers(ctx, both{tc.from, more}, a.Root.Digest, []store.Referrer{tc.r, beside, beside})
		if got, readErr := s.Referrers(a.Root.Digest); err == nil || readErr != nil || len(got) != 1 {
			t.Errorf("%s: %d kept beside it, %v", name, len(got), readErr)
		}
		checkClean(t, s)
	}
}

func TestReferrersBounded(t *testing.T) {
	s := open(t)
	a := registrytest.NewArtifact(t, 1, 100)
	put(t, s, a, "example.com/a:v1")
	from, all := oci.Memory{}, []store.Referrer{}
	for i := range store.MaxReferrers + 5 {
		blobs, r := about(t, a.Root, fmt.Sprint(i))
		for d, data := range blobs {
			from[d] = data
		}
		all = append(all, r)
	}
	err := s.PutReferrers(context.Background(), from, a.Root.Digest, all)
	if err == nil || !strings.Contains(err.Error(), "more than 64 manifests") {
		t.Errorf("error %v", err)
	}
	for range 2 { // nor do they become more with time
		got, err := s.Referrers(a.Root.Digest)
		if err != nil || len(got) != store.MaxReferrers {
			t.Errorf("%d are kept, %v; want %d", len(got), err, store.MaxReferrers)
		}
		putAbout(t, s, a.Root, "one more")
	}
	checkClean(t, s)
}

// TestGCWaitsForAPullWithReferrers: what a pull has brought stays until its
// name is there.
func TestGCWaitsForAPullWithReferrers(t *testing.T) {
	ctx := context.Background()
	s := open(t)
	a := registrytest.NewArtifact(t, 1, 100)
	release, err := s.Hold(ctx)
	if err != nil {
		t.Fatal(err)
	}
	kept := putAbout(t, s, a.Root, "one")
	if _, err := s.GC(ctx, store.GCOptions{Yield: true}); err == nil {
		t.Error("GC ran while a pull was under way")
	}
	put(t, s, a, "example.com/a:v1")
	release()
	if _, err := s.GC(ctx, store.GCOptions{}); err != nil {
		t.Fatal(err)
	}
	if !s.Has(kept[0].Target) {
		t.Error("GC removed what the pull had brought")
	}
}

func TestFsckRepairsReferrers(t *testing.T) {
	ctx := context.Background()
	s := open(t)
	a, b := registrytest.NewArtifact(t, 1, 100), registrytest.NewArtifact(t, 2, 100)
	put(t, s, a, "example.com/a:v1")
	put(t, s, b, "example.com/b:v1")
	docs := putAbout(t, s, a.Root, "one", "two")
	putAbout(t, s, b.Root, "three")
	list := func(root digest.Digest) string {
		return filepath.Join(s.Dir(), store.ReferrersDir, root.Encoded()+".json")
	}
	if err := os.Remove(filepath.Join(s.Dir(), "blobs", "sha256", docs[0].Target.Digest.Encoded())); err != nil {
		t.Fatal(err)
	}
	writeFile(t, list(b.Root.Digest), "{")
	writeFile(t, list(digest.FromString("nothing")), "{") // it is never read, and GC removes it
	found, err := s.Fsck(ctx, false)
	if err != nil || len(found) < 2 {
		t.Errorf("Fsck = %v, %v; want a document without content and a damaged list", found, err)
	}
	if _, err := s.GC(ctx, store.GCOptions{}); err == nil {
		t.Error("GC ran although it could not know what is needed")
	}
	if _, err := s.Fsck(ctx, true); err != nil {
		t.Fatal(err)
	}
	checkClean(t, s)
	if got, err := s.Referrers(a.Root.Digest); err != nil || len(got) != 1 {
		t.Errorf("%v, %v; want the document that is whole", got, err)
	}
	if _, err := s.GC(ctx, store.GCOptions{}); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.Dir(), store.ReferrersDir, "*")); len(left) != 1 {
		t.Errorf("lists are left: %q", left)
	}
	checkClean(t, s)
	for _, name := range []string{"example.com/a:v1", "example.com/b:v1"} {
		if _, err := s.Resolve(name); err != nil {
			t.Error(err)
		}
	}
	put(t, s, a, "example.com/a:v3")
	if !s.Has(a.Layers[arch.AMD64]) {
		t.Error("content is gone")
	}
}
