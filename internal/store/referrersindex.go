package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// subjectAnnotation says, in index.json, which artifact an entry without a
// name refers to.
const subjectAnnotation = "io.github.rules-gadget.subject"

// withReferrers normalizes what the index says of all that refers to
// root: nothing, unless a name refers to root.
func (s *Store) withReferrers(idx ocispec.Index, root digest.Digest) ocispec.Index {
	named := false
	idx.Manifests = slices.DeleteFunc(idx.Manifests, func(d ocispec.Descriptor) bool {
		subject, refers := subjectOf(d)
		named = named || !refers && d.Digest == root
		return refers && subject == root
	})
	if !named {
		return idx
	}
	all, err := s.Referrers(root)
	if err != nil {
		return idx // Fsck reports it
	}
	for _, r := range all {
		idx.Manifests = append(idx.Manifests, referrerEntry(root, r))
	}
	return idx
}

// referrerEntry is the descriptor in index.json of what refers to root.
func referrerEntry(root digest.Digest, r Referrer) ocispec.Descriptor {
	d := r.Target
	d.Annotations = map[string]string{subjectAnnotation: root.String()}
	if r.Tag != "" {
		d.Annotations[ocispec.AnnotationRefName] = r.Tag
	}
	return d
}

// subjectOf returns the artifact to which an entry of an index refers, if it
// is not an artifact itself.
func subjectOf(d ocispec.Descriptor) (digest.Digest, bool) {
	subject := digest.Digest(d.Annotations[subjectAnnotation])
	return subject, subject != ""
}

// entryKey orders the index: names first, so that one is found by halving.
func entryKey(d ocispec.Descriptor) string {
	name := d.Annotations[ocispec.AnnotationRefName]
	if subject, refers := subjectOf(d); refers {
		return "1" + subject.String() + name + d.Digest.String()
	}
	return "0" + name
}

// sweepReferrers removes the lists of artifacts that no name refers to.
func (s *Store) sweepReferrers(refs []Ref, out *Swept, dryRun bool) error {
	roots, err := s.referrerRoots()
	if err != nil || len(roots) == 0 {
		return err
	}
	for _, root := range roots {
		if slices.ContainsFunc(refs, func(r Ref) bool { return r.Target.Digest == root }) {
			continue
		}
		name := s.path(referrersFile(root))
		if st, err := os.Stat(name); err == nil {
			out.Bytes += st.Size()
		}
		if dryRun {
			continue
		}
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("collecting the store: %w", err)
		}
	}
	if dryRun {
		return nil
	}
	return s.syncDir(ReferrersDir)
}

// referrerRoots lists the artifacts about which something may be here.
func (s *Store) referrerRoots() ([]digest.Digest, error) {
	entries, err := os.ReadDir(s.path(ReferrersDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the store: %w", err)
	}
	var roots []digest.Digest
	for _, e := range entries {
		encoded, ok := strings.CutSuffix(e.Name(), ".json")
		if root := digest.NewDigestFromEncoded(digest.SHA256, encoded); ok && root.Validate() == nil {
			roots = append(roots, root)
		}
	}
	return roots, nil
}
