package store

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	ctdarchive "github.com/containerd/containerd/v2/pkg/archive"
	"github.com/containerd/containerd/v2/pkg/archive/compression"
	"github.com/containerd/platforms"
	"github.com/moby/sys/userns"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Unpack writes the root file system of an image into a directory that must
// not exist. It returns the device nodes that only real root could make.
func (s Store) Unpack(ctx context.Context, name, dir string) (devices []string, err error) {
	image, err := s.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("unpacking: %q exists, remove it or choose another directory with -o: %w", dir, err)
		}
		return nil, fmt.Errorf("unpacking: %w", err)
	}
	devices, err = s.unpack(ctx, image, dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("unpacking %s: %w", Familiar(image.Name), err), os.RemoveAll(dir))
	}
	return devices, nil
}

func (s Store) unpack(ctx context.Context, image images.Image, dir string) (devices []string, err error) {
	manifest, err := images.Manifest(ctx, s.Content, image.Target, platforms.Default())
	if err != nil {
		return nil, err
	}
	for _, layer := range manifest.Layers {
		skipped, err := s.apply(ctx, layer, dir)
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", layer.Digest, err)
		}
		devices = append(devices, skipped...)
	}
	return devices, nil
}

func (s Store) apply(ctx context.Context, layer ocispecs.Descriptor, dir string) (devices []string, err error) {
	ra, err := s.Content.ReaderAt(ctx, layer)
	if err != nil {
		return nil, err
	}
	defer ra.Close()
	plain, err := compression.DecompressStream(content.NewReader(ra))
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	filter := func(h *tar.Header) (bool, error) {
		if (h.Typeflag == tar.TypeBlock || h.Typeflag == tar.TypeChar) && userns.RunningInUserNS() {
			devices = append(devices, path.Join("/", h.Name))
			return false, nil
		}
		return true, nil
	}
	_, err = ctdarchive.Apply(ctx, dir, plain, ctdarchive.WithFilter(filter))
	return devices, err
}
