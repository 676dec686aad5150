package sign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// Limits of what is read of an artifact's signatures.
const (
	// MaxSignatures is how many signatures of an artifact are looked at.
	MaxSignatures = 64
	maxManifest   = 4 << 20
	maxReferrers  = 1024
)

// legacyReferrer is the artifact type of a simple signing manifest that is a
// referrer instead of having a tag.
const legacyReferrer = "application/vnd.dev.cosign.artifact.sig.v1+json"

// Place is where an artifact is stored with what refers to it: a repository of a
// registry.
type Place interface {
	oci.Blobs
	// ResolveTag returns what tag refers to, oci.ErrNotFound without a
	// such tag.
	ResolveTag(ctx context.Context, tag string) (ocispec.Descriptor, error)
	// Referrers lists what refers to subject; none is not an error.
	Referrers(ctx context.Context, subject digest.Digest) ([]ocispec.Descriptor, error)
}

// Tag is the tag under which the signatures of subject are stored.
func Tag(subject digest.Digest) string {
	return subject.Algorithm().String() + "-" + subject.Encoded() + ".sig"
}

// Find collects the signatures of subject in both forms. When something could
// not be read it returns an error in addition to what it found.
func Find(ctx context.Context, p Place, subject digest.Digest) ([]Signature, error) {
	tagged, tagErr := findTagged(ctx, p, subject)
	referred, err := findReferrers(ctx, p, subject)
	found := slices.Concat(tagged, referred)
	if err = errors.Join(tagErr, err); err != nil {
		err = fmt.Errorf("reading the signatures of %s: %w", subject, err)
	}
	if len(found) > MaxSignatures {
		return found[:MaxSignatures], errors.Join(err, fmt.Errorf("%s has more than %d signatures, the others were not read",
			subject, MaxSignatures))
	}
	return found, err
}

func findTagged(ctx context.Context, p Place, subject digest.Digest) ([]Signature, error) {
	d, err := p.ResolveTag(ctx, Tag(subject))
	if errors.Is(err, oci.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return readManifest(ctx, p, d)
}

func findReferrers(ctx context.Context, p Place, subject digest.Digest) ([]Signature, error) {
	all, err := p.Referrers(ctx, subject)
	if err != nil {
		return nil, err
	}
	var found []Signature
	var failed []error
	seen := map[digest.Digest]bool{}
	for _, d := range all[:min(len(all), maxReferrers)] {
		if !mayBeSignature(d) || seen[d.Digest] {
			continue
		}
		seen[d.Digest] = true
		if len(found) > MaxSignatures || len(failed) > MaxSignatures {
			break
		}
		s, err := readManifest(ctx, p, d)
		if err != nil {
			failed = append(failed, err)
		}
		found = append(found, s...)
	}
	return found, joinFirst(failed)
}

// joinFirst makes one error of several: the first of them, and how many there are.
func joinFirst(errs []error) error {
	if len(errs) > 1 {
		return fmt.Errorf("%w, and %d more errors", errs[0], len(errs)-1)
	}
	return errors.Join(errs...)
}

// mayBeSignature goes by the artifact type, and by cosign's annotation where
// the list of referrers has it: a bundle may also carry provenance.
func mayBeSignature(d ocispec.Descriptor) bool {
	if predicate := d.Annotations[bundlePredicateAnnotation]; predicate != "" && predicate != SignPredicate {
		return false
	}
	switch d.ArtifactType {
	// Lists under a tag, which clients keep, often have the config's type.
	case "", ocispec.MediaTypeEmptyJSON, legacyReferrer:
		return true
	}
	return strings.HasPrefix(d.ArtifactType, bundlePrefix)
}

// readManifest reads the signatures in the layers of one manifest. Layers of
// other types are ignored; those that cannot be read are an error besides
// the others.
func readManifest(ctx context.Context, p oci.Blobs, d ocispec.Descriptor) ([]Signature, error) {
	m, err := parseManifest(ctx, p, d)
	if err != nil {
		return nil, err
	}
	if predicate := m.Annotations[bundlePredicateAnnotation]; predicate != "" && predicate != SignPredicate {
		return nil, nil
	}
	var found []Signature
	var failed []error
	for _, l := range m.Layers[:min(len(m.Layers), MaxSignatures+1)] {
		s, limit := tagSignature(l), int64(MaxPayload)
		switch {
		case strings.HasPrefix(l.MediaType, bundlePrefix):
			s, limit = Signature{Form: FormBundle}, MaxBundle
		case l.MediaType != PayloadMediaType || s.Base64 == "":
			continue
		}
		if s.Data, err = oci.ReadBlob(ctx, p, l, limit); err != nil {
			failed = append(failed, err)
			continue
		}
		found = append(found, s)
	}
	return found, joinFirst(failed)
}

// tagSignature is the signature in a layer's annotations. Certificates that
// are too large count as none.
func tagSignature(l ocispec.Descriptor) Signature {
	s := Signature{Form: FormTag, Base64: l.Annotations[SignatureAnnotation]}
	certificates := l.Annotations[CertificateAnnotation]
	if chain := l.Annotations[ChainAnnotation]; certificates != "" && chain != "" {
		certificates = strings.TrimSpace(certificates) + "\n" + chain
	}
	if len(certificates) <= maxCertificateSize {
		s.Certificates = certificates
	}
	if log := l.Annotations[LogAnnotation]; s.Certificates != "" && len(log) <= maxCertificateSize {
		s.Log = log
	}
	return s
}

func parseManifest(ctx context.Context, p oci.Blobs, d ocispec.Descriptor) (ocispec.Manifest, error) {
	data, err := oci.ReadBlob(ctx, p, d, maxManifest)
	if err != nil {
		return ocispec.Manifest{}, err
	}
	m, err := oci.ParseImage(data)
	if err != nil {
		return m, fmt.Errorf("reading manifest %s: %w", d.Digest, err)
	}
	return m, nil
}

// Signers returns who of those in v signed subject, each in a form once. The
// error describes what is wrong with the signatures that do not count.
func Signers(found []Signature, subject digest.Digest, v Verification) ([]Signer, error) {
	var signers []Signer
	var failed []error
	for _, s := range found {
		one, err := s.Verify(subject, v)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		if !slices.Contains(signers, one) {
			signers = append(signers, one)
		}
	}
	return signers, errors.Join(distinct(failed)...)
}

// distinct keeps one error of each text.
func distinct(errs []error) []error {
	return slices.CompactFunc(errs, func(a, b error) bool { return a.Error() == b.Error() })
}
