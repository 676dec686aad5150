package oci

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

// Limits on what a layout may hold outside its blobs.
const (
	// MaxIndexFile is the largest index.json or oci-layout file, in bytes.
	MaxIndexFile = 16 << 20
	// MaxTarEntries is the largest number of entries of a layout tar.
	MaxTarEntries = 1 << 16
	// maxLayoutName is the longest name that a file of a layout can have, by
	// far; members with longer names are ignored.
	maxLayoutName = 256
)

// Layout is an OCI image layout: a directory, or the tar of one. It implements
// Blobs.
type Layout struct {
	name  string // what the user calls it
	files fileTree
	index ocispec.Index
}

// fileTree is where the files of a layout are.
type fileTree interface {
	open(name string) (io.ReadCloser, error)
	where(name string) string
	Close() error
}

// OpenLayout opens the layout directory dir and reads its index.json.
func OpenLayout(dir string) (*Layout, error) {
	l, err := newLayout(dir, directory(dir))
	if err != nil {
		return nil, fmt.Errorf("opening layout %q: %w", dir, err)
	}
	return l, nil
}

// OpenLayoutTar opens the tar at path, which holds a layout directory, and reads
// its index.json. The file stays open until Close.
func OpenLayoutTar(path string) (*Layout, error) {
	files, err := openTarTree(path)
	if err != nil {
		return nil, fmt.Errorf("opening layout %q: %w", path, err)
	}
	l, err := newLayout(path, files)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening layout %q: %w", path, err), files.Close())
	}
	return l, nil
}

func newLayout(name string, files fileTree) (*Layout, error) {
	l := &Layout{name: name, files: files}
	var version ocispec.ImageLayout
	if err := l.readJSON(ocispec.ImageLayoutFile, &version); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("it has no file %q, so it is not an OCI layout", ocispec.ImageLayoutFile)
		}
		return nil, err
	}
	if version.Version != ocispec.ImageLayoutVersion {
		return nil, fmt.Errorf("layout version is %q, want %q", version.Version, ocispec.ImageLayoutVersion)
	}
	data, err := l.ReadFile(ocispec.ImageIndexFile, MaxIndexFile)
	if err != nil {
		return nil, err
	}
	if l.index, err = ParseIndex(data); err != nil {
		return nil, fmt.Errorf("reading %q: %w", ocispec.ImageIndexFile, err)
	}
	for _, d := range l.index.Manifests {
		if err := d.Digest.Validate(); err != nil { // which its methods would panic at
			return nil, fmt.Errorf("reading %q: digest %q: %w", ocispec.ImageIndexFile, string(d.Digest), err)
		}
	}
	return l, nil
}

// ReadFile returns a file of the layout that is not a blob, of at most limit
// bytes. The error is fs.ErrNotExist if none exists.
func (l *Layout) ReadFile(name string, limit int64) ([]byte, error) {
	r, err := l.files.open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", name, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("reading %q: more than %d bytes", name, limit)
	}
	return data, nil
}

func (l *Layout) readJSON(name string, v any) error {
	data, err := l.ReadFile(name, MaxIndexFile)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("reading %q: %w", name, err)
	}
	return nil
}

// Index returns the content of index.json: one descriptor for each artifact
// that the layout names.
func (l *Layout) Index() ocispec.Index { return l.index }

// Root returns the descriptor in index.json whose
// org.opencontainers.image.ref.name is ref or, when ref is empty, the only one.
func (l *Layout) Root(ref string) (ocispec.Descriptor, error) {
	all := l.index.Manifests
	if ref == "" && len(all) == 1 {
		return all[0], nil
	}
	names := []string{}
	for _, d := range all {
		name := d.Annotations[ocispec.AnnotationRefName]
		if ref != "" && name == ref {
			return d, nil
		}
		names = append(names, fmt.Sprintf("%q", name))
	}
	slices.Sort(names)
	switch {
	case len(all) == 0:
		return ocispec.Descriptor{}, fmt.Errorf("layout %q names no artifact: %w", l.name, ErrNotFound)
	case ref == "":
		return ocispec.Descriptor{}, fmt.Errorf("layout %q names %d artifacts, choose one of %s", l.name, len(all),
			strings.Join(names, ", "))
	}
	return ocispec.Descriptor{}, fmt.Errorf("layout %q names no artifact %q, it has %s: %w", l.name, ref,
		strings.Join(names, ", "), ErrNotFound)
}

// Open implements Blobs. Errors name the blob and the file that should hold it.
func (l *Layout) Open(_ context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	if err := CheckDigest(d.Digest); err != nil {
		return nil, err
	}
	name := blobName(d)
	r, err := l.files.open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("blob %s is missing, file %q does not exist: %w", d.Digest, l.files.where(name), ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("opening blob %s: %w", d.Digest, err)
	}
	return NewExplainedVerifyReader(r, d, func(err error) error {
		return fmt.Errorf("reading %q: %w", l.files.where(name), err)
	}), nil
}

// Close releases the file that a layout from a tar holds open.
func (l *Layout) Close() error { return l.files.Close() }

// blobName returns the path of d in a layout.
func blobName(d ocispec.Descriptor) string {
	return path.Join(ocispec.ImageBlobsDir, d.Digest.Algorithm().String(), d.Digest.Encoded())
}

// directory is the fileTree of a layout directory.
type directory string

func (f directory) open(name string) (io.ReadCloser, error) { return action.Open(f.where(name)) }
func (f directory) where(name string) string {
	return filepath.Join(string(f), filepath.FromSlash(name))
}
func (f directory) Close() error { return nil }

// tarTree is the fileTree of a layout tar: where in the file each entry is.
type tarTree struct {
	file    *os.File
	entries map[string]tarEntry
}

type tarEntry struct{ offset, size int64 }

func openTarTree(path string) (*tarTree, error) {
	f, err := action.Open(path)
	if err != nil {
		return nil, err
	}
	t := &tarTree{file: f, entries: map[string]tarEntry{}}
	if err := t.scan(); err != nil {
		f.Close()
		return nil, err
	}
	return t, nil
}

// scan records the place of every regular file. A tar reader takes whole
// blocks and no more, so that after Next the file's position is the start of the data.
func (t *tarTree) scan() error {
	tr := tar.NewReader(t.file)
	for range MaxTarEntries {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading tar: %w, a layout tar is not compressed", err)
		}
		if h.Typeflag != tar.TypeReg || len(h.Name) > maxLayoutName {
			continue
		}
		offset, err := t.file.Seek(0, io.SeekCurrent)
		if err != nil {
			return fmt.Errorf("reading tar: %w", err)
		}
		t.entries[path.Clean(h.Name)] = tarEntry{offset: offset, size: h.Size}
	}
	return fmt.Errorf("reading tar: more than %d entries", MaxTarEntries)
}

func (t *tarTree) open(name string) (io.ReadCloser, error) {
	e, ok := t.entries[name]
	if !ok {
		return nil, fmt.Errorf("opening %q: %w", t.where(name), fs.ErrNotExist)
	}
	return io.NopCloser(io.NewSectionReader(t.file, e.offset, e.size)), nil
}

func (t *tarTree) where(name string) string { return t.file.Name() + ":" + name }
func (t *tarTree) Close() error             { return t.file.Close() }
