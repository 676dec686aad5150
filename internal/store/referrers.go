package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// ReferrersDir is the directory, in the store and in archives that Save writes, of
// the lists of what refers to an artifact: <hex of its digest>.json.
const ReferrersDir = "referrers"

// Limits of what is kept about one artifact.
const (
	MaxReferrers     = 64
	MaxReferrerBytes = 64 << 20 // all of them together
	maxReferrersFile = 128 << 10
)

// Referrer is a manifest that belongs to an artifact: a signature, provenance,
// an SBOM, of the artifact itself or of one of its manifests.
type Referrer struct {
	// Target has the type of the document as its ArtifactType.
	Target ocispec.Descriptor `json:"target"`
	// Subject is what it refers to: the artifact if empty,
	// a manifest of it, or another referrer.
	Subject digest.Digest `json:"subject,omitempty"`
	// Tag is where registries keep it that is not an OCI 1.1 referrer
	// ("sha256-<hex>.sig", as cosign 2 has it); else empty.
	Tag string `json:"tag,omitempty"`
}

var cosignTag = regexp.MustCompile(`^sha256-([0-9a-f]{64})\.(sig|att|sbom)$`)

// SubjectOfTag returns the artifact to which what lies under a tag belongs.
func SubjectOfTag(tag string) (digest.Digest, bool) {
	m := cosignTag.FindStringSubmatch(tag)
	if m == nil {
		return "", false
	}
	return digest.NewDigestFromEncoded(digest.SHA256, m[1]), true
}

func referrersFile(root digest.Digest) string {
	return filepath.Join(ReferrersDir, root.Encoded()+".json")
}

// Referrers lists what the store has about the artifact root and its manifests.
// The artifact itself need not be here.
func (s *Store) Referrers(root digest.Digest) ([]Referrer, error) {
	if err := oci.CheckDigest(root); err != nil {
		return nil, err
	}
	data, err := action.ReadFile(s.path(referrersFile(root)), maxReferrersFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		var all []Referrer
		if all, err = ParseReferrers(data, root); err == nil {
			return all, nil
		}
	}
	return nil, fmt.Errorf("reading what refers to %s: %w, repair the store with \"gadget-run image fsck --repair\"", root,
		err)
}

// ParseReferrers reads a list of what refers to root.
func ParseReferrers(data []byte, root digest.Digest) ([]Referrer, error) {
	var all []Referrer
	if len(data) > maxReferrersFile {
		return nil, fmt.Errorf("it is larger than %d bytes", maxReferrersFile)
	}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	if len(all) > MaxReferrers {
		return nil, fmt.Errorf("it lists %d manifests, at most %d are allowed", len(all), MaxReferrers)
	}
	for i := range all {
		all[i].Subject = cmp.Or(all[i].Subject, root)
		if err := all[i].Check(root); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Check returns an error unless r, whose Subject is set, can belong to the artifact
// root.
func (r Referrer) Check(root digest.Digest) error {
	if err := oci.CheckDigest(r.Target.Digest); err != nil {
		return err
	}
	if err := oci.CheckDigest(r.Subject); err != nil {
		return err
	}
	switch subject, ok := SubjectOfTag(r.Tag); {
	case r.Target.Size < 0 || r.Target.Size > oci.MaxManifest:
		return fmt.Errorf("%s has the size %d, at most %d are allowed", r.Target.Digest, r.Target.Size, oci.MaxManifest)
	case !oci.IsManifest(r.Target.MediaType):
		return fmt.Errorf("%s is of type %q, which is not an OCI manifest", r.Target.Digest, r.Target.MediaType)
	case r.Target.Digest == root || r.Target.Digest == r.Subject:
		return fmt.Errorf("%s refers to itself", r.Target.Digest)
	case r.Tag != "" && (!ok || subject != r.Subject):
		return fmt.Errorf("the tag %q is not one for what belongs to %s", r.Tag, r.Subject)
	}
	return nil
}

// FormatReferrers is the reverse of ParseReferrers.
func FormatReferrers(all []Referrer) ([]byte, error) { return action.JSON(all) }

// PutReferrers keeps manifests that belong to the artifact root, those that count
// most first, in addition to those that are here. Those that cannot be kept are the error, and the others are
// kept all the same. Until a name refers to root, GC removes them: hold the
// content from before PutReferrers until after Put.
func (s *Store) PutReferrers(ctx context.Context, from oci.Blobs, root digest.Digest, all []Referrer) error {
	if err := oci.CheckDigest(root); err != nil || len(all) == 0 {
		return err
	}
	release, err := s.Hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	var kept []Referrer
	var failed []error
	budget := int64(MaxReferrerBytes)
	seen := map[string]bool{}
	for _, r := range all {
		key := r.Tag + r.Target.Digest.String()
		if seen[key] {
			continue
		}
		seen[key] = true
		if len(seen) > MaxReferrers {
			failed = append(failed, fmt.Errorf("more than %d manifests refer to it, the others are left out", MaxReferrers))
			break
		}
		if r, err = s.takeReferrer(ctx, from, root, r, &budget); err != nil {
			failed = append(failed, err)
			continue
		}
		kept = append(kept, r)
	}
	if len(kept) > 0 {
		failed = append(failed, s.addReferrers(ctx, root, kept))
	}
	return joinFirst(failed, fmt.Sprintf("storing what refers to %s", root))
}

// joinFirst makes one error of several: the first of them, and how many there are.
func joinFirst(errs []error, action string) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("%s: %w", action, errs[0])
	}
	return fmt.Errorf("%s: %w, and %d more errors", action, errs[0], len(errs)-1)
}

// takeReferrer copies the content of r into the store. What the list said of it does not
// count, but what it says itself.
func (s *Store) takeReferrer(ctx context.Context, from oci.Blobs, root digest.Digest, r Referrer,
	budget *int64,
) (Referrer, error) {
	r.Subject = cmp.Or(r.Subject, root)
	if err := r.Check(root); err != nil {
		return r, err
	}
	p := newPlan(s, from, nil)
	if err := p.add(ctx, r.Target, 0); err != nil {
		return r, err
	}
	top := p.manifests[len(p.manifests)-1]
	m, err := oci.ParseManifest(top.data)
	if err != nil {
		return r, err
	}
	if r.Tag == "" && (m.Subject == nil || m.Subject.Digest != r.Subject) {
		return r, fmt.Errorf("manifest %s does not refer to %s", r.Target.Digest, r.Subject)
	}
	if *budget -= p.size; *budget < 0 {
		return r, fmt.Errorf("all that refers to it has more than %d bytes", MaxReferrerBytes)
	}
	if err := p.take(ctx); err != nil {
		return r, err
	}
	r.Target = ocispec.Descriptor{
		MediaType: r.Target.MediaType, Digest: r.Target.Digest, Size: r.Target.Size, ArtifactType: artifactType(m),
	}
	return r, nil
}

// artifactType is the type of an artifact (image-spec v1.1, "artifactType").
func artifactType(m oci.Manifest) string {
	if m.ArtifactType == "" && m.Config != nil {
		return m.Config.MediaType
	}
	return m.ArtifactType
}

// addReferrers adds to the list of root: the new ones first, of the older ones
// those that are not the same and still fit.
func (s *Store) addReferrers(ctx context.Context, root digest.Digest, all []Referrer) error {
	return s.changeReferrers(ctx, root, func(before []Referrer) []Referrer {
		for _, old := range before {
			same := func(r Referrer) bool {
				return r.Target.Digest == old.Target.Digest || r.Tag != "" && r.Tag == old.Tag
			}
			if len(all) < MaxReferrers && !slices.ContainsFunc(all, same) {
				all = append(all, old)
			}
		}
		return all
	})
}

// changeReferrers replaces the list of root. A damaged one counts as empty.
func (s *Store) changeReferrers(ctx context.Context, root digest.Digest, change func([]Referrer) []Referrer) error {
	release, err := s.lock(ctx, indexLock, exclusive)
	if err != nil {
		return err
	}
	defer release()
	before, _ := s.Referrers(root)
	all := change(slices.Clone(before))
	slices.SortFunc(all, func(a, b Referrer) int {
		return strings.Compare(a.Tag+a.Target.Digest.String(), b.Tag+b.Target.Digest.String())
	})
	data, err := FormatReferrers(all)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.path(ReferrersDir), 0o755); err != nil {
		return diskError(err)
	}
	idx, err := s.beginIndex()
	if err != nil {
		return err
	}
	if err := s.write(referrersFile(root), data); err != nil {
		return err
	}
	if err := s.syncDir(ReferrersDir); err != nil {
		return err
	}
	return s.finishIndex(s.withReferrers(idx, root))
}
