package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// minKept is the size from which a broken transfer is kept to be resumed.
const minKept = 1 << 20

// rangeOpener is a source that can start in the middle, as registries do.
type rangeOpener interface {
	OpenAt(ctx context.Context, d ocispec.Descriptor, offset int64) (io.ReadCloser, error)
}

// ingest copies the content of d into the store and makes it last, also when
// another process has just brought it. What remains is to sync the directory of
// the blobs, once for all. The caller holds the content lock.
func (s *Store) ingest(ctx context.Context, from oci.Blobs, d ocispec.Descriptor) error {
	if !s.Has(d) {
		if err := s.fetch(ctx, from, d); err != nil {
			return err
		}
	}
	return s.syncBlob(d)
}

func (s *Store) syncBlob(d ocispec.Descriptor) error {
	f, err := os.Open(s.blobPath(d))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("syncing blob %s: %w", d.Digest, diskError(err))
	}
	return nil
}

// fetch copies the content of d into the store. One process at a time
// transfers a blob; others wait for it.
func (s *Store) fetch(ctx context.Context, from oci.Blobs, d ocispec.Descriptor) error {
	from = oci.SourceOf(d, from)
	part := s.path(tmpDir, d.Digest.Encoded()+".part")
	f, err := openPart(ctx, part)
	if err != nil {
		return fmt.Errorf("storing blob %s: %w", d.Digest, diskError(err))
	}
	defer f.Close()
	if s.Has(d) {
		return os.Remove(part)
	}
	if err := s.transfer(ctx, f, from, d); err != nil {
		s.abandon(f, err)
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return os.Rename(part, s.blobPath(d))
}

// openPart opens the file of a transfer and locks it. The process that had the lock
// before may have renamed or removed the file; then it is opened again.
func openPart(ctx context.Context, part string) (*os.File, error) {
	for {
		f, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if err := flock(ctx, f, exclusive); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		mine, err := f.Stat()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		now, err := os.Stat(part)
		if err == nil && os.SameFile(mine, now) {
			return f, nil
		}
		_ = f.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
}

// abandon leaves a long transfer to be resumed and removes any other.
func (s *Store) abandon(f *os.File, err error) {
	var corrupt *oci.CorruptError
	st, statErr := f.Stat()
	if statErr != nil || st.Size() < minKept || errors.As(err, &corrupt) {
		_ = os.Remove(f.Name())
	}
}

// transfer writes the content of d to f, going on where f ends if it can. A
// result that does not verify is tried once more from the start, since what
// was left of an earlier transfer may be at fault.
func (s *Store) transfer(ctx context.Context, f *os.File, from oci.Blobs, d ocispec.Descriptor) error {
	ranged, ok := from.(rangeOpener)
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if ok && st.Size() > 0 && st.Size() <= d.Size {
		err := resume(ctx, f, ranged, d)
		var corrupt *oci.CorruptError
		if !errors.As(err, &corrupt) {
			return err
		}
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r, err := from.Open(ctx, d)
	if err != nil {
		return err
	}
	_, err = io.Copy(diskWriter{f}, r)
	return errors.Join(err, r.Close())
}

// resume hashes what f has and appends the rest.
func resume(ctx context.Context, f *os.File, from rangeOpener, d ocispec.Descriptor) error {
	sum := sha256.New()
	have, err := io.Copy(sum, f)
	if err != nil {
		return err
	}
	r, err := from.OpenAt(ctx, d, have)
	if err != nil {
		return err
	}
	rest, err := io.Copy(diskWriter{f}, io.TeeReader(io.LimitReader(r, d.Size-have+1), sum))
	if err := errors.Join(err, r.Close()); err != nil {
		return err
	}
	return checkSum(sum, have+rest, d)
}

func checkSum(sum hash.Hash, size int64, d ocispec.Descriptor) error {
	if got := hex.EncodeToString(sum.Sum(nil)); size != d.Size || got != d.Digest.Encoded() {
		return &oci.CorruptError{Want: d.Digest, Reason: fmt.Sprintf("it has %d bytes with digest sha256:%s", size, got)}
	}
	return nil
}

// diskWriter adds the hint to errors of a full disk.
type diskWriter struct{ f *os.File }

// Write implements io.Writer.
func (w diskWriter) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	return n, diskError(err)
}
