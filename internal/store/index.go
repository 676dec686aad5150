package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// change is a set of references to write and names to remove.
type change struct {
	set    []Ref
	remove []string
	// staged is what stageRef wrote of the one reference in set; without it,
	// references are written here.
	staged string
	// choose, where it is set, says under the lock what to set and to remove.
	choose func() (set []Ref, remove []string, err error)
}

// apply changes references and index.json, under index.lock. The dirty marker
// is there while the two may differ. The caller holds the content lock.
func (s *Store) apply(ctx context.Context, c change) error {
	release, err := s.lock(ctx, indexLock, exclusive)
	if err != nil {
		return err
	}
	defer release()
	if c.choose != nil {
		if c.set, c.remove, err = c.choose(); err != nil || len(c.set)+len(c.remove) == 0 {
			return err
		}
	}
	idx, err := s.beginIndex()
	if err != nil {
		return err
	}
	touched := map[digest.Digest]bool{}
	for _, r := range c.set {
		touched[r.Target.Digest] = true
		if err := s.writeRef(r, c.staged); err != nil {
			return err
		}
		idx = withRef(idx, r, touched)
	}
	for _, name := range c.remove {
		if err := os.Remove(s.path(refFile(name))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing %s: %w", name, err)
		}
		idx = withoutRef(idx, name, touched)
	}
	if err := s.syncDir(refsDir); err != nil {
		return err
	}
	for root := range touched {
		idx = s.withReferrers(idx, root)
	}
	return s.finishIndex(idx)
}

func (s *Store) writeRef(r Ref, staged string) (err error) {
	if staged == "" {
		if staged, err = s.stageRef(r); err != nil {
			return err
		}
	}
	if err := s.place(staged, refFile(r.Name)); err != nil {
		return fmt.Errorf("storing %s: %w", r.Name, err)
	}
	return nil
}

// stageRef writes the file of a reference, which is synced.
func (s *Store) stageRef(r Ref) (string, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return "", err
	}
	if len(data) > maxRefFile {
		return "", fmt.Errorf("storing %q: its record would be larger than %d bytes", r.Name, maxRefFile)
	}
	tmp, err := s.stage(append(data, '\n'), true)
	if err != nil {
		return "", fmt.Errorf("storing %s: %w", r.Name, err)
	}
	return tmp, nil
}

// beginIndex sets the dirty marker and returns index.json, rebuilt from the
// references when it was dirty already or cannot be read.
func (s *Store) beginIndex() (ocispec.Index, error) {
	f, err := os.OpenFile(s.path(dirtyMarker), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return s.indexFromRefs()
	}
	if err != nil {
		return ocispec.Index{}, diskError(err)
	}
	_ = f.Close()
	idx, err := s.readIndex()
	if err != nil {
		return s.indexFromRefs()
	}
	return idx, nil
}

func (s *Store) readIndex() (ocispec.Index, error) {
	var idx ocispec.Index
	data, err := os.ReadFile(s.path(ocispec.ImageIndexFile))
	if err != nil {
		return idx, err
	}
	err = json.Unmarshal(data, &idx)
	return idx, err
}

// indexFromRefs makes the index again. References that cannot be read are left
// out; Fsck reports them.
func (s *Store) indexFromRefs() (ocispec.Index, error) {
	refs, err := s.List()
	if refs == nil && err != nil {
		return ocispec.Index{}, err
	}
	idx := ocispec.Index{Manifests: make([]ocispec.Descriptor, 0, len(refs))}
	for _, r := range refs {
		idx.Manifests = append(idx.Manifests, indexEntry(r))
	}
	done := map[digest.Digest]bool{}
	for _, r := range refs {
		if !done[r.Target.Digest] {
			done[r.Target.Digest] = true
			idx = s.withReferrers(idx, r.Target.Digest)
		}
	}
	sortIndex(idx)
	return idx, nil
}

// finishIndex writes index.json and takes the dirty marker away. The file is
// derived, so it is not synced.
func (s *Store) finishIndex(idx ocispec.Index) error {
	idx.Versioned = specs.Versioned{SchemaVersion: 2}
	idx.MediaType = ocispec.MediaTypeImageIndex
	if idx.Manifests == nil {
		idx.Manifests = []ocispec.Descriptor{}
	}
	sortIndex(idx)
	data, err := json.Marshal(idx)
	if err != nil {
		return err
	}
	if err := s.writeDerived(ocispec.ImageIndexFile, append(data, '\n')); err != nil {
		return fmt.Errorf("writing index.json: %w", err)
	}
	return os.Remove(s.path(dirtyMarker))
}

// indexEntry is the descriptor in index.json of a reference. Its annotation
// is the whole reference, as skopeo and others select by it.
func indexEntry(r Ref) ocispec.Descriptor {
	d := ocispec.Descriptor{
		MediaType: r.Target.MediaType, Digest: r.Target.Digest, Size: r.Target.Size,
		ArtifactType: r.Target.ArtifactType, Platform: r.Target.Platform,
		Annotations: map[string]string{ocispec.AnnotationRefName: r.Name},
	}
	return d
}

// withRef puts a reference into the index. The artifact that its name stood
// for before joins touched.
func withRef(idx ocispec.Index, r Ref, touched map[digest.Digest]bool) ocispec.Index {
	entry := indexEntry(r)
	i, found := findRef(idx, r.Name)
	if found {
		touched[idx.Manifests[i].Digest] = true
		idx.Manifests[i] = entry
	} else {
		idx.Manifests = slices.Insert(idx.Manifests, i, entry)
	}
	return idx
}

func withoutRef(idx ocispec.Index, name string, touched map[digest.Digest]bool) ocispec.Index {
	if i, found := findRef(idx, name); found {
		touched[idx.Manifests[i].Digest] = true
		idx.Manifests = slices.Delete(idx.Manifests, i, i+1)
	}
	return idx
}

// findRef searches the entries, which are in the order of their keys.
func findRef(idx ocispec.Index, name string) (int, bool) {
	return slices.BinarySearchFunc(idx.Manifests, "0"+name, func(d ocispec.Descriptor, key string) int {
		return strings.Compare(entryKey(d), key)
	})
}

func sortIndex(idx ocispec.Index) {
	slices.SortFunc(idx.Manifests, func(a, b ocispec.Descriptor) int { return strings.Compare(entryKey(a), entryKey(b)) })
}

// Tag makes dst another name of what src refers to.
func (s *Store) Tag(ctx context.Context, src, dst string) (Ref, error) {
	release, err := s.Hold(ctx) // what src refers to must not be collected meanwhile
	if err != nil {
		return Ref{}, err
	}
	defer release()
	r, err := s.Lookup(src)
	if err != nil {
		return Ref{}, err
	}
	r.Name, r.Synced = dst, false
	return r, s.apply(ctx, change{set: []Ref{r}})
}

// Untag removes names. The content stays until GC. A name that is not there
// is oci.ErrNotFound, and then none is removed.
func (s *Store) Untag(ctx context.Context, names ...string) error {
	release, err := s.Hold(ctx) // it writes in tmp, which GC empties
	if err != nil {
		return err
	}
	defer release()
	for _, name := range names {
		if _, err := os.Stat(s.path(refFile(name))); errors.Is(err, fs.ErrNotExist) {
			return NotStored(name, s.dir)
		}
	}
	return s.apply(ctx, change{remove: names})
}
