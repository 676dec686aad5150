// Package oci holds the OCI image format as pure data: descriptors, manifests,
// indexes and the layout folder. It opens no socket.
package oci

import (
	"context"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Blobs is a place that holds content by digest: a layout folder, a layout
// tar, the local store, or a repository of a registry.
type Blobs interface {
	// Open returns the content of d. The reader fails, at the latest at its
	// end, when the content's size or digest is not d's; nothing read from it
	// may be trusted before io.EOF. An unknown digest is ErrNotFound.
	Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error)
}
