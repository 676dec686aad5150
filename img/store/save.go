package store

import (
	"context"
	"fmt"
	"io"

	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/images/archive"
	"github.com/containerd/errdefs"
	"github.com/containerd/platforms"
)

// Formats are the formats of archives.
func Formats() []string { return []string{"docker", "oci"} }

// Save writes images into one archive. The format docker is that of "docker
// load": one platform of each image, under its names; oci is an OCI layout
// with everything that the images have.
func (s Store) Save(ctx context.Context, w io.Writer, format string, names []string) error {
	var all []images.Image
	for _, name := range names {
		image, err := s.Get(ctx, name)
		if err != nil {
			return err
		}
		all = append(all, image)
	}
	opts := []archive.ExportOpt{archive.WithImages(all)}
	if format == "docker" {
		match, err := s.dockerPlatform(ctx, all)
		if err != nil {
			return err
		}
		opts = append(opts, archive.WithPlatform(match))
	} else {
		opts = append(opts, archive.WithAllPlatforms(), archive.WithSkipDockerManifest(), archive.WithSkipMissing(s.Content))
	}
	if err := archive.Export(ctx, s.Content, w, opts...); err != nil {
		return fmt.Errorf("saving: %w", err)
	}
	return nil
}

// dockerPlatform is this machine's platform, or that of an image which has not
// got it: an image for another machine can be saved, too.
func (s Store) dockerPlatform(ctx context.Context, all []images.Image) (platforms.MatchComparer, error) {
	match := platforms.Default()
	for _, image := range all {
		if _, err := image.Config(ctx, s.Content, match); err == nil {
			continue
		} else if !errdefs.IsNotFound(err) {
			return nil, err
		}
		have, err := images.Platforms(ctx, s.Content, image.Target)
		if err != nil {
			return nil, fmt.Errorf("reading image %q: %w", Familiar(image.Name), err)
		}
		if len(have) == 0 || len(all) > 1 {
			return nil, fmt.Errorf("image %q is not for %s, save it alone or with --format oci", Familiar(image.Name),
				platforms.DefaultString())
		}
		match = platforms.Only(have[0])
	}
	return match, nil
}
