package containerdapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	content "github.com/containerd/containerd/api/services/content/v1"
	images "github.com/containerd/containerd/api/services/images/v1"
	imagespec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Limits of what is read about images.
const (
	maxManifest = 4 << 20
	maxImages   = 10000 // that are remembered
)

// imageStore finds the digests and IDs of images.
type imageStore struct {
	images  images.ImagesClient
	content content.ContentClient

	mu  sync.Mutex
	ids map[string]string // IDs by digest
}

// lookup returns the digest of an image's index or manifest, and its ID, the
// digest of the configuration. What is unknown is empty.
func (s *imageStore) lookup(ctx context.Context, name string) (digest, id string) {
	answer, err := s.images.Get(ctx, &images.GetImageRequest{Name: name})
	if err != nil {
		return "", ""
	}
	digest = answer.GetImage().GetTarget().GetDigest()
	s.mu.Lock()
	id, ok := s.ids[digest]
	s.mu.Unlock()
	if ok {
		return digest, id
	}
	if id, err = s.configOf(ctx, digest); err != nil {
		return digest, "" // the content may have been removed to save room
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids == nil || len(s.ids) >= maxImages {
		s.ids = map[string]string{}
	}
	s.ids[digest] = id
	return digest, id
}

// configOf returns the digest of the configuration of a manifest, or of the
// manifest for this machine in an index.
func (s *imageStore) configOf(ctx context.Context, digest string) (string, error) {
	data, err := s.read(ctx, digest)
	if err != nil {
		return "", err
	}
	config, manifest, err := parseManifest(data)
	if err != nil || manifest == "" {
		return config, err
	}
	if data, err = s.read(ctx, manifest); err != nil {
		return "", err
	}
	config, _, err = parseManifest(data)
	return config, err
}

// parseManifest returns the digest of a manifest's configuration, or of the
// manifest for this machine where data is an index.
func parseManifest(data []byte) (config, manifest string, err error) {
	var document struct {
		Config    *imagespec.Descriptor  `json:"config"`
		Manifests []imagespec.Descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(data, &document); err != nil {
		return "", "", fmt.Errorf("reading a manifest: %w", err)
	}
	if document.Config != nil {
		return document.Config.Digest.String(), "", nil
	}
	for _, m := range document.Manifests {
		if m.Platform != nil && m.Platform.OS == runtime.GOOS && m.Platform.Architecture == runtime.GOARCH {
			return "", m.Digest.String(), nil
		}
	}
	return "", "", fmt.Errorf("the image has no manifest for %s/%s", runtime.GOOS, runtime.GOARCH)
}

func (s *imageStore) read(ctx context.Context, digest string) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := s.content.Read(ctx, &content.ReadContentRequest{Digest: digest})
	if err != nil {
		return nil, err
	}
	var data []byte
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
		if data = append(data, part.GetData()...); len(data) > maxManifest {
			return nil, fmt.Errorf("manifest %s is longer than %d bytes", digest, maxManifest)
		}
	}
}
