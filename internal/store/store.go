// Package store keeps artifacts on the local disk.
//
// A store is a directory that is also an OCI image layout, which other tools read:
//
//	oci-layout, index.json   the layout; index.json lists every reference
//	blobs/sha256/<hex>       content, complete and immutable
//	refs/<hex>.json          one file per reference, named by the sha256 of its name
//	referrers/<hex>.json     what refers to the artifact of that digest: signatures, documents
//	tmp/                     transfers under way, and what is left of broken ones
//	lock, index.lock         files to flock; they are never removed
//
// The refs are the truth and index.json is made from them, so that finding one
// reference reads one small file, however many there are. Every file is
// written in tmp and renamed; a reference gets its name once all blobs below it
// are synced. A process that dies at any moment leaves at most files in tmp,
// unreferenced blobs, and an index.json that lacks one reference, which the
// file index.dirty marks for the next writer.
//
// Locks are flocks, which end with their process. A process that adds content or
// needs content to stay holds "lock" shared; one that removes content holds it
// exclusively. "index.lock" is held, for moments, to change refs and index.json.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/sign"
)

// Names of the files and directories of a store.
const (
	refsDir      = "refs"
	tmpDir       = "tmp"
	contentLock  = "lock"
	indexLock    = "index.lock"
	dirtyMarker  = "index.dirty"
	blobsDir     = ocispec.ImageBlobsDir + "/sha256"
	layoutMarker = `{"imageLayoutVersion":"` + ocispec.ImageLayoutVersion + `"}` + "\n"
	emptyIndex   = `{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageIndex + `","manifests":[]}` + "\n"
)

// Store is a directory of artifacts. It is safe for concurrent use, by many
// processes too. It implements oci.Blobs.
type Store struct {
	dir string
}

// Open opens the store in dir, which it makes if none exists. The cost does
// not depend on what the store holds.
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir}
	if err := s.refuseOthers(); err != nil {
		return nil, err
	}
	// An empty marker is what a loss of power may leave of a store just made.
	if st, err := os.Stat(s.path(ocispec.ImageLayoutFile)); err == nil && st.Size() > 0 {
		return s, nil
	}
	if err := s.create(); err != nil {
		return nil, fmt.Errorf("making the store %q: %w, choose another directory with --state", dir, err)
	}
	return s, nil
}

// refuseOthers keeps a store from being used whose content others decide about:
// one that belongs to another user than this one and root, or that others than its
// owner may write to.
func (s *Store) refuseOthers() error {
	info, err := os.Stat(s.dir)
	if err != nil {
		return nil // it is made, or the error shows where it is read
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case ok && owner.Uid != 0 && int(owner.Uid) != os.Geteuid():
		return fmt.Errorf("the store %q belongs to user %d, choose another directory with --state", s.dir, owner.Uid)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("users other than its owner can write to the store %q, run: chmod 700 %s", s.dir, s.dir)
	}
	return nil
}

// create makes the directories, then the files; the layout marker, which Open
// looks for, comes last.
func (s *Store) create() error {
	if err := s.refuseForeign(); err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	for _, d := range []string{refsDir, tmpDir, blobsDir} {
		if err := os.MkdirAll(s.path(d), 0o755); err != nil {
			return err
		}
	}
	releaseContent, err := s.lock(context.Background(), contentLock, shared)
	if err != nil {
		return err
	}
	defer releaseContent()
	releaseIndex, err := s.lock(context.Background(), indexLock, exclusive)
	if err != nil {
		return err
	}
	defer releaseIndex()
	if _, err := os.Stat(s.path(ocispec.ImageIndexFile)); errors.Is(err, fs.ErrNotExist) {
		if err := s.writeDerived(ocispec.ImageIndexFile, []byte(emptyIndex)); err != nil {
			return err
		}
	}
	return s.writeDerived(ocispec.ImageLayoutFile, []byte(layoutMarker))
}

// refuseForeign keeps a store from being made in the middle of other files.
func (s *Store) refuseForeign() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	own := map[string]bool{
		refsDir: true, tmpDir: true, ReferrersDir: true, ocispec.ImageBlobsDir: true, contentLock: true,
		indexLock: true, dirtyMarker: true, ocispec.ImageIndexFile: true, sign.SecretFile: true,
	}
	for _, e := range entries {
		if e.IsDir() && !own[e.Name()] {
			continue // other state of the same tool
		}
		if !own[e.Name()] {
			return fmt.Errorf("the directory contains %q, which is not a part of a store", e.Name())
		}
	}
	return nil
}

// Dir returns the directory of the store.
func (s *Store) Dir() string { return s.dir }

func (s *Store) path(elem ...string) string {
	return filepath.Join(append([]string{s.dir}, elem...)...)
}

func (s *Store) blobPath(d ocispec.Descriptor) string { return s.path(blobName(d)) }

// blobName is the file, below the store, of the content of d.
func blobName(d ocispec.Descriptor) string { return filepath.Join(blobsDir, d.Digest.Encoded()) }

// Has reports whether the content of d is here, by its presence and size.
func (s *Store) Has(d ocispec.Descriptor) bool {
	if oci.CheckDigest(d.Digest) != nil {
		return false
	}
	st, err := os.Stat(s.blobPath(d))
	return err == nil && st.Mode().IsRegular() && st.Size() == d.Size
}

// Open implements oci.Blobs.
func (s *Store) Open(_ context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	if err := oci.CheckDigest(d.Digest); err != nil {
		return nil, err
	}
	f, err := os.Open(s.blobPath(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the store %q has no blob %s: %w", s.dir, d.Digest, oci.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("opening blob %s: %w", d.Digest, err)
	}
	return oci.NewExplainedVerifyReader(f, d, s.explain), nil
}

// explain adds the hint to what is wrong with stored content.
func (s *Store) explain(err error) error {
	var corrupt *oci.CorruptError
	if !errors.As(err, &corrupt) {
		return err
	}
	return fmt.Errorf("reading the store %q: %w, repair it with \"gadget-run image fsck --repair\" and pull again",
		s.dir, err)
}

// Hold keeps all content where it is until release is called, so that several
// blobs can be read one after the other. Do not hold while waiting for a user.
func (s *Store) Hold(ctx context.Context) (release func(), err error) {
	return s.lock(ctx, contentLock, shared)
}
