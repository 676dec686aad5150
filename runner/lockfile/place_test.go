package lockfile_test

import (
	"context"
	"errors"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/runner/lockfile"
)

func TestPlace(t *testing.T) {
	ctx := context.Background()
	manifest, signature, ofManifest := digest.FromString("manifest"), digest.FromString("signature"),
		digest.FromString("other")
	tag := "sha256-" + someDigest.Encoded() + ".sig"
	g := lockfile.Gadget{Digest: someDigest, Referrers: []lockfile.Referrer{
		{Digest: signature, MediaType: ocispec.MediaTypeImageManifest},
		{Digest: ofManifest, MediaType: ocispec.MediaTypeImageManifest, Subject: manifest},
		{Digest: otherDigest, MediaType: ocispec.MediaTypeImageManifest, Tag: tag},
	}}
	p := g.Place(oci.Memory{})
	for subject, want := range map[digest.Digest]digest.Digest{someDigest: signature, manifest: ofManifest} {
		if got, err := p.Referrers(ctx, subject); err != nil || len(got) != 1 || got[0].Digest != want {
			t.Errorf("referrers of %s: %v, %v; want %s alone", subject, got, err, want)
		}
	}
	if d, err := p.ResolveTag(ctx, tag); err != nil || d.Digest != otherDigest {
		t.Errorf("%v, %v", d, err)
	}
	if _, err := p.ResolveTag(ctx, "sha256-x.sig"); !errors.Is(err, oci.ErrNotFound) {
		t.Errorf("a tag that is not there: %v", err)
	}
}
