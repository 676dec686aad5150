package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Limits of an artifact that is read.
const (
	MaxManifest = 4 << 20  // bytes of one manifest or index
	MaxHeld     = 16 << 20 // bytes of all manifests, for who holds them in memory
	MaxChildren = 1024     // descriptors of one manifest or index
	MaxListed   = 1 << 14  // descriptors of one list, such as index.json
	MaxBlobs    = 1 << 14  // blobs and manifests together
	MaxDepth    = 4        // indexes within indexes
)

// ManifestTypes are the media types of manifests and indexes; docker's have
// the same structure.
var ManifestTypes = []string{
	ocispec.MediaTypeImageIndex,
	ocispec.MediaTypeImageManifest,
	"application/vnd.docker.distribution.manifest.list.v2+json",
	"application/vnd.docker.distribution.manifest.v2+json",
}

// IsManifest reports whether a media type is an index's or a manifest's.
func IsManifest(mediaType string) bool { return slices.Contains(ManifestTypes, mediaType) }

// Manifest is a manifest or an index: what of either is of use without knowing
// which it is.
type Manifest struct {
	Manifests   []ocispec.Descriptor `json:"manifests"`
	Config      *ocispec.Descriptor  `json:"config"`
	Layers      []ocispec.Descriptor `json:"layers"`
	Annotations map[string]string    `json:"annotations"`

	ArtifactType string              `json:"artifactType"`
	Subject      *ocispec.Descriptor `json:"subject"`
}

// ParseManifest parses a manifest or an index. Its descriptors are not checked.
func ParseManifest(data []byte) (Manifest, error) {
	var m struct {
		Manifest
		Manifests descriptors `json:"manifests"`
		Layers    descriptors `json:"layers"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return Manifest{}, err
	}
	m.Manifest.Manifests, m.Manifest.Layers = m.Manifests, m.Layers
	if n := len(m.Children()); n > MaxChildren {
		return Manifest{}, fmt.Errorf("it names %d blobs, at most %d are allowed", n, MaxChildren)
	}
	return m.Manifest, nil
}

// ParseImage parses a manifest with all that the specification has. Its
// descriptors are not checked.
func ParseImage(data []byte) (ocispec.Manifest, error) {
	var m struct {
		ocispec.Manifest
		Layers descriptors `json:"layers"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return ocispec.Manifest{}, err
	}
	m.Manifest.Layers = m.Layers
	return m.Manifest, nil
}

// ParseIndex parses an index with all that the specification has. Its descriptors
// are not checked.
func ParseIndex(data []byte) (ocispec.Index, error) {
	var m struct {
		ocispec.Index
		Manifests descriptors `json:"manifests"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return ocispec.Index{}, err
	}
	m.Index.Manifests = m.Manifests
	return m.Index, nil
}

// ReadImage reads a manifest of at most MaxManifest bytes.
func ReadImage(ctx context.Context, from Blobs, d ocispec.Descriptor) (ocispec.Manifest, error) {
	return readParsed(ctx, from, d, ParseImage)
}

// ReadIndex reads an index of at most MaxManifest bytes.
func ReadIndex(ctx context.Context, from Blobs, d ocispec.Descriptor) (ocispec.Index, error) {
	return readParsed(ctx, from, d, ParseIndex)
}

func readParsed[T any](
	ctx context.Context, from Blobs, d ocispec.Descriptor, parse func([]byte) (T, error),
) (T, error) {
	data, err := ReadBlob(ctx, from, d, MaxManifest)
	if err != nil {
		return *new(T), err
	}
	out, err := parse(data)
	if err != nil {
		return out, fmt.Errorf("reading %s: %w", d.Digest, err)
	}
	return out, nil
}

// descriptors are those of a list from outside. They are counted while they are
// read: the shortest takes three bytes there and forty times as many here.
type descriptors []ocispec.Descriptor

// UnmarshalJSON implements json.Unmarshaler.
func (l *descriptors) UnmarshalJSON(data []byte) (err error) {
	*l, err = ParseList[ocispec.Descriptor](data, MaxListed)
	return err
}

// ParseList parses a JSON array of at most limit elements; null is an empty one.
func ParseList[T any](data []byte, limit int) ([]T, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	start, err := dec.Token()
	if err != nil || start == nil {
		return nil, err
	}
	if start != json.Delim('[') {
		return nil, errors.New("a list is not a JSON array")
	}
	list := []T{}
	for dec.More() {
		if len(list) == limit {
			return nil, fmt.Errorf("a list has at least %d elements, at most %d are allowed", limit+1, limit)
		}
		var one T
		if err := dec.Decode(&one); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	_, err = dec.Token()
	return list, err
}

// Children lists what the manifest or index points to, but not its subject.
func (m Manifest) Children() []ocispec.Descriptor {
	var all []ocispec.Descriptor
	if m.Config != nil {
		all = append(all, *m.Config)
	}
	return slices.Concat(all, m.Layers, m.Manifests)
}
