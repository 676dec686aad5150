package oci

import (
	"encoding/json"
	"fmt"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Limits of an artifact that is read.
const (
	MaxManifest = 4 << 20  // bytes of one manifest or index
	MaxHeld     = 16 << 20 // bytes of all manifests, for who holds them in memory
	MaxChildren = 1024     // descriptors of one manifest or index
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
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return Manifest{}, err
	}
	if n := len(m.Children()); n > MaxChildren {
		return Manifest{}, fmt.Errorf("it names %d blobs, at most %d are allowed", n, MaxChildren)
	}
	return m, nil
}

// Children lists what the manifest or index points to, but not its subject.
func (m Manifest) Children() []ocispec.Descriptor {
	var all []ocispec.Descriptor
	if m.Config != nil {
		all = append(all, *m.Config)
	}
	return slices.Concat(all, m.Layers, m.Manifests)
}
