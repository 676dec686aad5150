package oci

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

// Walk calls visit for root and for everything that it refers to, each digest
// once: what is referred to before what refers to it. Indexes and manifests are
// read, and verified, on the way.
func Walk(ctx context.Context, from Blobs, root ocispec.Descriptor, visit func(ocispec.Descriptor) error) error {
	w := &walker{from: from, visit: visit, seen: map[digest.Digest]bool{}}
	return w.walk(ctx, root, 0)
}

type walker struct {
	from  Blobs
	visit func(ocispec.Descriptor) error
	seen  map[digest.Digest]bool
}

func (w *walker) walk(ctx context.Context, d ocispec.Descriptor, depth int) error {
	if w.seen[d.Digest] {
		return nil
	}
	w.seen[d.Digest] = true
	if depth > MaxDepth {
		return fmt.Errorf("walking from manifest %s: more than %d indexes inside each other", d.Digest, MaxDepth)
	}
	children, err := w.children(ctx, d)
	if err != nil {
		return err
	}
	for _, c := range children {
		if err := w.walk(ctx, c, depth+1); err != nil {
			return err
		}
	}
	return w.visit(d)
}

// children returns what d refers to; nothing for a blob that is data.
func (w *walker) children(ctx context.Context, d ocispec.Descriptor) ([]ocispec.Descriptor, error) {
	if !IsManifest(d.MediaType) {
		return nil, nil
	}
	data, err := ReadBlob(ctx, w.from, d, MaxManifest)
	if err != nil {
		return nil, err
	}
	m, err := ParseManifest(data)
	if err != nil {
		return nil, fmt.Errorf("reading manifest %s: %w", d.Digest, err)
	}
	return m.Children(), nil
}

// inline returns the content of a descriptor that carries its own, which need
// not be anywhere else.
func inline(d ocispec.Descriptor) (Blob, bool) {
	got := Describe(d.MediaType, d.Data)
	return Blob{Descriptor: d, Data: d.Data}, d.Data != nil && got.Digest == d.Digest && got.Size == d.Size
}

// SourceOf returns where the content of d is: in d itself, when it carries its
// own, or else from.
func SourceOf(d ocispec.Descriptor, from Blobs) Blobs {
	if b, ok := inline(d); ok {
		return NewMemory(b)
	}
	return from
}

// CopyLayout writes the layout directory dir with root and everything that it
// refers to. The file that makes it complete, index.json, comes last.
func CopyLayout(ctx context.Context, dir string, from Blobs, root ocispec.Descriptor) error {
	err := Walk(ctx, from, root, func(d ocispec.Descriptor) error {
		return writeBlob(dir, blobFrom(ctx, from, d))
	})
	if err != nil {
		return fmt.Errorf("writing layout %q: %w", dir, err)
	}
	if err := writeLayoutFiles(dir, root); err != nil {
		return fmt.Errorf("writing layout %q: %w", dir, err)
	}
	return nil
}

// WriteLayoutTar writes the tar of the layout that CopyLayout would write. The
// same artifact gives the same bytes.
func WriteLayoutTar(ctx context.Context, w io.Writer, from Blobs, root ocispec.Descriptor) error {
	entries, err := layoutFiles(root)
	if err != nil {
		return err
	}
	err = Walk(ctx, from, root, func(d ocispec.Descriptor) error {
		b := blobFrom(ctx, from, d)
		entries = append(entries, action.Entry{
			Name: filepath.ToSlash(blobName(d)), Size: d.Size,
			Open: func() (io.ReadCloser, error) {
				r, err := b.open()
				if err != nil {
					return nil, err
				}
				return NewVerifyReader(r, d), nil
			},
		})
		return CheckDigest(d.Digest)
	})
	if err != nil {
		return fmt.Errorf("writing layout tar: %w", err)
	}
	return action.WriteTar(w, entries)
}

// blobFrom returns d as a blob whose content comes from another place.
func blobFrom(ctx context.Context, from Blobs, d ocispec.Descriptor) Blob {
	if b, ok := inline(d); ok {
		return b
	}
	return Blob{Descriptor: d, source: func() (io.ReadCloser, error) { return from.Open(ctx, d) }}
}
