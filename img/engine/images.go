package engine

import (
	"context"

	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/pkg/namespaces"
)

// inNamespace is a store of images whose callers need not name the namespace.
type inNamespace struct{ store images.Store }

func within(ctx context.Context) context.Context { return namespaces.WithNamespace(ctx, namespace) }

// Get returns an image by its name.
func (s inNamespace) Get(ctx context.Context, name string) (images.Image, error) {
	return s.store.Get(within(ctx), name)
}

// List returns the images that match a filter.
func (s inNamespace) List(ctx context.Context, filters ...string) ([]images.Image, error) {
	return s.store.List(within(ctx), filters...)
}

// Create adds an image.
func (s inNamespace) Create(ctx context.Context, image images.Image) (images.Image, error) {
	return s.store.Create(within(ctx), image)
}

// Update replaces an image.
func (s inNamespace) Update(ctx context.Context, image images.Image, fields ...string) (images.Image, error) {
	return s.store.Update(within(ctx), image, fields...)
}

// Delete removes an image.
func (s inNamespace) Delete(ctx context.Context, name string, opts ...images.DeleteOpt) error {
	return s.store.Delete(within(ctx), name, opts...)
}
