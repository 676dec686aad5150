// Package oci holds the OCI image format as pure data: descriptors, manifests,
// indexes and the layout directory. It opens no socket.
package oci

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

// Blobs is a place that holds content by digest: a layout directory, a layout
// tar, the local store, or a repository of a registry.
type Blobs interface {
	// Open returns the content of d. The reader fails, at the latest at its
	// end, when the content's size or digest is not d's; nothing read from it
	// may be trusted before io.EOF. An unknown digest is ErrNotFound.
	Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error)
}

// ErrNotFound means that a place of blobs, or an index, does not hold what was
// asked for.
var ErrNotFound = errors.New("not found")

// NotFound is an ErrNotFound with a text of its own.
type NotFound string

// Error returns the text.
func (n NotFound) Error() string { return string(n) }

// Is makes it an ErrNotFound.
func (n NotFound) Is(target error) bool { return target == ErrNotFound }

// Blob is content with its descriptor, held in memory (Data) or, when Path is
// not empty, in a file.
type Blob struct {
	ocispec.Descriptor
	Path string
	Data []byte

	source func() (io.ReadCloser, error)
}

// NewBlob returns data as a blob with the descriptor that describes it.
func NewBlob(mediaType string, data []byte) Blob {
	return Blob{Descriptor: Describe(mediaType, data), Data: data}
}

// Describe returns the descriptor of data: media type, sha256 digest, size.
func Describe(mediaType string, data []byte) ocispec.Descriptor {
	return ocispec.Descriptor{
		MediaType: mediaType,
		Digest:    digest.FromBytes(data),
		Size:      int64(len(data)),
	}
}

// open returns the content of b, not verified.
func (b Blob) open() (io.ReadCloser, error) {
	if b.source != nil {
		return b.source()
	}
	if b.Path == "" {
		return io.NopCloser(bytes.NewReader(b.Data)), nil
	}
	return action.Open(b.Path)
}

// Memory is a set of blobs held in memory, by digest.
type Memory map[digest.Digest][]byte

// NewMemory returns the given blobs as one place of blobs. Blobs in files are
// left out.
func NewMemory(blobs ...Blob) Memory {
	m := Memory{}
	for _, b := range blobs {
		if b.Path == "" && b.source == nil {
			m[b.Digest] = b.Data
		}
	}
	return m
}

// Open implements Blobs.
func (m Memory) Open(_ context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	data, ok := m[d.Digest]
	if !ok {
		return nil, fmt.Errorf("opening blob %s: %w", d.Digest, ErrNotFound)
	}
	return NewVerifyReader(io.NopCloser(bytes.NewReader(data)), d), nil
}
