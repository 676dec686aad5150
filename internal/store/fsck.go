package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// Problem is something that Fsck found.
type Problem struct {
	// Path is the file, below the store, or the name of a reference.
	Path string `json:"path"`
	// Text describes the problem.
	Text string `json:"text"`
	// Fix describes the repair; Repaired reports whether it was made.
	Fix      string `json:"fix"`
	Repaired bool   `json:"repaired"`
}

// fsck is one check under way.
type fsck struct {
	store    *Store
	repair   bool
	problems []Problem
}

// Fsck checks everything: the digest of every blob, that every reference can
// be read and has all that it needs, and that index.json says the same as the
// references. With repair it removes corrupt blobs, and references whose
// content is not complete any more; those have to be pulled again. What a
// killed process leaves (unreferenced blobs, transfers) is not a problem: GC
// removes it.
func (s *Store) Fsck(ctx context.Context, repair bool) ([]Problem, error) {
	mode := shared
	if repair {
		mode = exclusive
	}
	wait, cancel := context.WithTimeout(ctx, gcPatience)
	defer cancel()
	release, err := s.lock(wait, contentLock, mode)
	if err != nil {
		return nil, err
	}
	defer release()
	f := &fsck{store: s, repair: repair}
	for _, phase := range []func(context.Context) error{f.directories, f.blobs, f.refs, f.referrers, f.index} {
		if err := phase(ctx); err != nil {
			return f.problems, fmt.Errorf("checking the store: %w", err)
		}
	}
	return f.problems, nil
}

// found notes a problem and, when repairing, calls fix.
func (f *fsck) found(p Problem, fix func() error) error {
	if f.repair {
		if err := fix(); err != nil {
			return fmt.Errorf("repairing %q: %w", p.Path, err)
		}
		p.Repaired = true
	}
	f.problems = append(f.problems, p)
	return nil
}

// directories checks that the layout is one.
func (f *fsck) directories(context.Context) error {
	for _, name := range []string{refsDir, tmpDir, blobsDir} {
		if st, err := os.Stat(f.store.path(name)); err == nil && st.IsDir() {
			continue
		}
		err := f.found(Problem{Path: name, Text: "the directory is missing", Fix: "make it"}, func() error {
			return os.MkdirAll(f.store.path(name), 0o755)
		})
		if err != nil {
			return err
		}
		if !f.repair {
			return fmt.Errorf("the directory %q is missing, run it again with --repair", name)
		}
	}
	var layout ocispec.ImageLayout
	data, err := os.ReadFile(f.store.path(ocispec.ImageLayoutFile))
	if err == nil && json.Unmarshal(data, &layout) == nil && layout.Version == ocispec.ImageLayoutVersion {
		return nil
	}
	return f.found(Problem{Path: ocispec.ImageLayoutFile, Text: "it is missing or wrong", Fix: "write it"}, func() error {
		return f.store.write(ocispec.ImageLayoutFile, []byte(layoutMarker))
	})
}

// blobs checks the digest of every blob.
func (f *fsck) blobs(ctx context.Context) error {
	dir := blobsDir
	entries, err := os.ReadDir(f.store.path(dir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := filepath.Join(dir, e.Name())
		text, err := f.checkBlob(name)
		if err != nil {
			return err
		}
		if text == "" {
			continue
		}
		err = f.found(Problem{Path: name, Text: text, Fix: "remove it"}, func() error {
			return os.RemoveAll(f.store.path(name))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// checkBlob returns what is wrong with a blob, or "".
func (f *fsck) checkBlob(name string) (string, error) {
	want := digest.NewDigestFromEncoded(digest.SHA256, filepath.Base(name))
	if want.Validate() != nil {
		return "its name is not a sha256 digest", nil
	}
	file, err := os.Open(f.store.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil // collected meanwhile
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	if st, err := file.Stat(); err != nil || !st.Mode().IsRegular() {
		return "it is not a regular file", err
	}
	h := digest.SHA256.Digester()
	if _, err := io.Copy(h.Hash(), file); err != nil {
		return fmt.Sprintf("it cannot be read (%v)", err), nil
	}
	if got := h.Digest(); got != want {
		return fmt.Sprintf("its content has the digest %s", got), nil
	}
	return "", nil
}

// refs checks every reference and what it needs.
func (f *fsck) refs(ctx context.Context) error {
	entries, err := os.ReadDir(f.store.path(refsDir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		file := filepath.Join(refsDir, e.Name())
		if !strings.HasSuffix(file, ".json") {
			continue
		}
		r, err := f.store.readRef(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			err = f.found(Problem{Path: file, Text: err.Error(), Fix: "remove the reference"}, func() error {
				return os.Remove(f.store.path(file))
			})
		} else {
			err = f.checkRef(ctx, r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *fsck) checkRef(ctx context.Context, r Ref) error {
	p := newPlan(f.store, oci.Memory{}, r.Archs)
	err := p.add(ctx, r.Target, 0)
	if err == nil {
		err = p.missing()
	}
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return f.found(Problem{Path: r.Name, Text: err.Error(), Fix: "remove the reference, pull it again"}, func() error {
		return f.store.apply(ctx, change{remove: []string{r.Name}})
	})
}

// index checks that index.json says what the references say.
func (f *fsck) index(ctx context.Context) error {
	mode := shared
	if f.repair {
		mode = exclusive
	}
	release, err := f.store.lock(ctx, indexLock, mode)
	if err != nil {
		return err
	}
	defer release()
	if _, err := os.Stat(f.store.path(dirtyMarker)); err == nil {
		// A writer was killed; the next one, or this, makes the index again.
		if !f.repair {
			return nil
		}
		return f.rebuildIndex()
	}
	want, err := f.store.indexFromRefs()
	if err != nil {
		return err
	}
	have, err := f.store.readIndex()
	if err == nil && sameEntries(have, want) {
		return nil
	}
	return f.found(Problem{
		Path: ocispec.ImageIndexFile, Text: "it does not say what the references say", Fix: "make it again",
	}, f.rebuildIndex)
}

func (f *fsck) rebuildIndex() error {
	if err := os.WriteFile(f.store.path(dirtyMarker), nil, 0o644); err != nil {
		return err
	}
	idx, err := f.store.indexFromRefs()
	if err != nil {
		return err
	}
	return f.store.finishIndex(idx)
}

func sameEntries(a, b ocispec.Index) bool {
	x, errX := json.Marshal(a.Manifests)
	y, errY := json.Marshal(b.Manifests)
	return errX == nil && errY == nil && string(x) == string(y)
}
