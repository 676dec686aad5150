package sign_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/sign"
)

func TestFindReadsAllForms(t *testing.T) {
	r := newRepo()
	one, two := newKey(t, "p256"), newKey(t, "ed25519")
	for _, key := range []*sign.PrivateKey{one, two} {
		for _, form := range forms {
			r.put(t, newSignature(t, form, golden, key), golden)
		}
	}
	// Provenance is a referrer too, and says so.
	other := r.add("application/vnd.in-toto+json", []byte("{}"))
	other.ArtifactType = "application/vnd.in-toto+json"
	r.referrers = append(r.referrers, other)

	found, err := sign.Find(t.Context(), r, golden)
	if err != nil || len(found) != 4 {
		t.Fatalf("Find: %d signatures, %v; want 4", len(found), err)
	}
	signers, err := sign.Signers(found, golden, trusting([]sign.PublicKey{two.Public}))
	want := []sign.Signer{{Key: two.Public.ID, Form: sign.FormTag}, {Key: two.Public.ID, Form: sign.FormBundle}}
	if diff := cmp.Diff(want, signers); diff != "" {
		t.Errorf("signers (-want +got), %v:\n%s", err, diff)
	}
	if err == nil {
		t.Error("the signatures by the other key are not an error")
	}
}

func TestFindLimits(t *testing.T) {
	key := newKey(t, "ed25519")
	r := newRepo()
	for i := range sign.MaxSignatures {
		s, err := sign.New(sign.FormTag, golden, fmt.Sprintf("%s%d", repository, i), nil, key)
		if err != nil {
			t.Fatal(err)
		}
		r.put(t, s, golden)
	}
	if _, _, err := sign.TagManifest(t.Context(), r, golden, newSignature(t, sign.FormTag, golden, key)); err == nil {
		t.Error("one more signature than are read was added")
	}
	r.put(t, newSignature(t, sign.FormBundle, golden, key), golden)
	found, err := sign.Find(t.Context(), r, golden)
	if err == nil || len(found) != sign.MaxSignatures {
		t.Errorf("got %d signatures, %v; want %d and an error", len(found), err, sign.MaxSignatures)
	}
}

func TestFindHostile(t *testing.T) {
	layer := func(r *repo, mediaType string, size int) ocispec.Descriptor {
		d := r.add(mediaType, bytes.Repeat([]byte("x"), size))
		d.Annotations = map[string]string{sign.SignatureAnnotation: "AAAA"}
		return d
	}
	manifest := func(t *testing.T, r *repo, layers ...ocispec.Descriptor) {
		r.tags[sign.Tag(golden)] = r.add(ocispec.MediaTypeImageManifest, toJSON(t, ocispec.Manifest{Layers: layers}))
	}
	for _, tt := range []struct {
		name string
		make func(*testing.T, *repo)
		want string
	}{
		{"payload too large", func(t *testing.T, r *repo) {
			manifest(t, r, layer(r, sign.PayloadMediaType, sign.MaxPayload+1))
		}, "the limit"},
		{"bundle too large", func(t *testing.T, r *repo) {
			manifest(t, r, layer(r, sign.BundleMediaType, sign.MaxBundle+1))
		}, "the limit"},
		{"size of the layer is a lie", func(t *testing.T, r *repo) {
			d := layer(r, sign.PayloadMediaType, 100)
			d.Size = 5
			manifest(t, r, d)
		}, "corrupt"},
		{"layer is missing", func(t *testing.T, r *repo) {
			d := layer(r, sign.PayloadMediaType, 100)
			delete(r.Memory, d.Digest)
			manifest(t, r, d)
		}, "not found"},
		{"manifest is not JSON", func(_ *testing.T, r *repo) {
			r.tags[sign.Tag(golden)] = r.add(ocispec.MediaTypeImageManifest, []byte("<html>"))
		}, "reading manifest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRepo()
			tt.make(t, r)
			found, err := sign.Find(t.Context(), r, golden)
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(found) > 0 {
				t.Errorf("got %d signatures, %v; want none and %q", len(found), err, tt.want)
			}
		})
	}
}
