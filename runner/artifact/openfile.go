package artifact

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

// unpacked returns path, or where it is a pipe or compressed a temporary file
// with its content. remove takes that away.
func unpacked(ctx context.Context, path string) (plain string, remove func(), err error) {
	keep := func() {}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", keep, fmt.Errorf("reading archive: file or directory %q does not exist, check the path", path)
	}
	if err != nil {
		return "", keep, fmt.Errorf("reading archive: %w", err)
	}
	if info.IsDir() {
		return path, keep, nil
	}
	f, err := action.OpenInput(ctx, path)
	if err != nil {
		return "", keep, fmt.Errorf("reading archive: %w", err)
	}
	defer f.Close()
	var magic [len(gzipMagic)]byte
	if _, err := f.ReadAt(magic[:], 0); info.Mode().IsRegular() && (err != nil || string(magic[:]) != gzipMagic) {
		return path, keep, nil
	}
	plain, remove, err = Spool(f)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return plain, remove, err
}

// Spool copies an archive, uncompressed, to a temporary file, which remove takes
// away.
func Spool(src io.Reader) (path string, remove func(), err error) {
	buffered := bufio.NewReaderSize(src, 1<<20)
	var r io.Reader = buffered
	magic, err := buffered.Peek(len(gzipMagic))
	if err != nil {
		return "", nil, fmt.Errorf("reading archive: it is empty or cannot be read: %w", err)
	}
	if strings.HasPrefix(string(magic), gzipMagic) {
		if r, err = gzip.NewReader(buffered); err != nil {
			return "", nil, fmt.Errorf("reading archive: %w", err)
		}
	}
	f, err := os.CreateTemp("", "gadget-run-*.tar")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.Remove(f.Name()) }
	if err = errors.Join(copyTar(f, r), f.Close()); err != nil {
		remove()
		return "", nil, fmt.Errorf("reading archive: %w", err)
	}
	return f.Name(), remove, nil
}

// copyTar copies a tar, and stops where it ends or cannot be an archive of
// artifacts: what a few compressed bytes unpack to has no end otherwise.
func copyTar(w io.Writer, r io.Reader) error {
	limited := &io.LimitedReader{R: r, N: store.MaxArtifact + 1}
	tr := tar.NewReader(io.TeeReader(limited, w))
	for range oci.MaxTarEntries {
		h, err := tr.Next()
		switch {
		case limited.N <= 0 || err == nil && h.Size > limited.N:
			return fmt.Errorf("it has more than %d bytes", int64(store.MaxArtifact))
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading tar: %w", err)
		}
	}
	return fmt.Errorf("it has more than %d members", oci.MaxTarEntries)
}
