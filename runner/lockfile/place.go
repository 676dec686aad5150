package lockfile

import (
	"context"
	"fmt"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/sign"
)

// Place is the gadget with what refers to it according to the lock file: no registry is contacted
// for more, and blobs are read by digest.
func (g Gadget) Place(blobs oci.Blobs) sign.Place { return place{blobs, g} }

type place struct {
	oci.Blobs
	gadget Gadget
}

// ResolveTag implements sign.Place.
func (p place) ResolveTag(_ context.Context, tag string) (ocispec.Descriptor, error) {
	for _, r := range p.gadget.StoreReferrers() {
		if r.Tag == tag {
			return r.Target, nil
		}
	}
	return ocispec.Descriptor{}, fmt.Errorf("the lock file has no tag %s: %w", tag, oci.ErrNotFound)
}

// Referrers implements sign.Place.
func (p place) Referrers(_ context.Context, subject digest.Digest) ([]ocispec.Descriptor, error) {
	var out []ocispec.Descriptor
	for _, r := range p.gadget.StoreReferrers() {
		if r.Tag == "" && subject == r.Subject {
			out = append(out, r.Target)
		}
	}
	return out, nil
}
