// Package store does what img does with the images of an open engine.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/errdefs"
	"github.com/containerd/platforms"
	"github.com/distribution/reference"

	"github.com/rules-gadget/rules_gadget/img/engine"
)

// Store is the images of an engine.
type Store struct{ *engine.Engine }

// Entry is an image in a list.
type Entry struct {
	Name             string
	Size             int64 // bytes of its blobs, for this machine's platform where it has it
	Created, Updated time.Time
	Digest           string
}

// Normalize completes a name as docker does: docker.io, library, latest.
func Normalize(name string) (string, error) {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return "", fmt.Errorf("%q is not the name of an image: %w", name, err)
	}
	return reference.TagNameOnly(named).String(), nil
}

// Familiar shortens a complete name as docker does.
func Familiar(name string) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name
	}
	return reference.FamiliarString(named)
}

// Get returns the image of that name.
func (s Store) Get(ctx context.Context, name string) (images.Image, error) {
	full, err := Normalize(name)
	if err != nil {
		return images.Image{}, err
	}
	image, err := s.Images.Get(ctx, full)
	if errdefs.IsNotFound(err) {
		return image, fmt.Errorf("image %q is not in the store, \"img ls\" lists the images, \"img pull\" fetches one: %w",
			Familiar(full), err)
	}
	return image, err
}

// List returns the images that match the filters, sorted by name.
func (s Store) List(ctx context.Context, filters []string) ([]Entry, error) {
	all, err := s.Images.List(ctx, filters...)
	if err != nil {
		return nil, fmt.Errorf("listing images: %w", err)
	}
	entries := make([]Entry, 0, len(all))
	for _, image := range all {
		size, err := s.size(ctx, image)
		if err != nil {
			return nil, fmt.Errorf("reading image %q: %w", Familiar(image.Name), err)
		}
		entries = append(entries, Entry{
			Name: Familiar(image.Name), Size: size, Created: image.CreatedAt, Updated: image.UpdatedAt,
			Digest: image.Target.Digest.String(),
		})
	}
	return entries, nil
}

// size adds up the blobs that are here: of this platform, or else of all.
func (s Store) size(ctx context.Context, image images.Image) (int64, error) {
	size, err := image.Size(ctx, s.Content, platforms.Default())
	if err == nil {
		return size, nil
	}
	if !errdefs.IsNotFound(err) {
		return 0, err
	}
	return image.Size(ctx, s.Content, platforms.All)
}

// Tag gives the image of that name another one.
func (s Store) Tag(ctx context.Context, source, target string) error {
	image, err := s.Get(ctx, source)
	if err != nil {
		return err
	}
	if image.Name, err = Normalize(target); err != nil {
		return err
	}
	return s.put(ctx, image)
}

// put adds an image or moves its name to what it is now.
func (s Store) put(ctx context.Context, image images.Image) error {
	_, err := s.Images.Create(ctx, images.Image{Name: image.Name, Target: image.Target, Labels: image.Labels})
	if errdefs.IsAlreadyExists(err) {
		_, err = s.Images.Update(ctx, images.Image{Name: image.Name, Target: image.Target}, "target")
	}
	if err != nil {
		return fmt.Errorf("naming image %q: %w", Familiar(image.Name), err)
	}
	return nil
}

// Remove removes names, and what only they referred to. All are tried.
func (s Store) Remove(ctx context.Context, names []string, removed func(string)) error {
	var errs []error
	for _, name := range names {
		image, err := s.Get(ctx, name)
		if err == nil {
			err = s.Images.Delete(ctx, image.Name, images.SynchronousDelete())
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		removed(Familiar(image.Name))
	}
	return errors.Join(append(errs, s.Collect(ctx))...)
}
