package sign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// noTime is the time in the config of a signature manifest, as cosign has it.
const noTime = "0001-01-01T00:00:00Z"

// TagManifest returns the manifest for Tag(subject) that has what is there
// already and s, with its blobs: those that p has are read from there. Where s
// is among what is there, it is the manifest that is there.
func TagManifest(
	ctx context.Context, p Place, subject digest.Digest, s Signature,
) (oci.Blobs, ocispec.Descriptor, error) {
	existing, m, config, err := taggedManifest(ctx, p, subject)
	if err != nil {
		return nil, ocispec.Descriptor{}, err
	}
	layer := oci.NewBlob(PayloadMediaType, s.Data)
	for _, l := range m.Layers {
		if l.Digest == layer.Digest && l.Annotations[SignatureAnnotation] == s.Base64 {
			return p, existing, nil
		}
	}
	if len(m.Layers) >= MaxSignatures {
		return nil, ocispec.Descriptor{}, fmt.Errorf("%s has %d signatures already, that is as many as are read", subject,
			len(m.Layers))
	}
	layer.Annotations = map[string]string{SignatureAnnotation: s.Base64}
	m.Layers = append(m.Layers, layer.Descriptor)
	config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, layer.Digest)
	config.History = append(config.History, map[string]any{"created": noTime})
	configData, err := compact(config)
	if err != nil {
		return nil, ocispec.Descriptor{}, err
	}
	configBlob := oci.NewBlob(ocispec.MediaTypeImageConfig, configData)
	m.Config = configBlob.Descriptor
	data, err := compact(m)
	if err != nil {
		return nil, ocispec.Descriptor{}, err
	}
	root := oci.NewBlob(ocispec.MediaTypeImageManifest, data)
	return overlay{oci.NewMemory(layer, configBlob, root), p}, root.Descriptor, nil
}

// imageConfig is the config of a signature manifest: it poses as an image so
// that registries from before OCI 1.1 take it.
type imageConfig struct {
	Architecture string           `json:"architecture"`
	Created      string           `json:"created"`
	OS           string           `json:"os"`
	History      []map[string]any `json:"history"`
	RootFS       struct {
		Type    string          `json:"type"`
		DiffIDs []digest.Digest `json:"diff_ids"`
	} `json:"rootfs"`
	Config struct{} `json:"config"`
}

// taggedManifest reads what Tag(subject) refers to, or begins it.
func taggedManifest(ctx context.Context, p Place, subject digest.Digest) (d ocispec.Descriptor, m ocispec.Manifest,
	c imageConfig, err error,
) {
	d, err = p.ResolveTag(ctx, Tag(subject))
	if errors.Is(err, oci.ErrNotFound) {
		m.Versioned = specs.Versioned{SchemaVersion: 2}
		m.MediaType = ocispec.MediaTypeImageManifest
		c.Created = noTime
		c.RootFS.Type = "layers"
		return d, m, c, nil
	}
	if err != nil {
		return d, m, c, err
	}
	if m, err = parseManifest(ctx, p, d); err != nil {
		return d, m, c, err
	}
	data, err := oci.ReadBlob(ctx, p, m.Config, maxManifest)
	if err != nil {
		return d, m, c, err
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return d, m, c, fmt.Errorf("reading the config of tag %s: %w", Tag(subject), err)
	}
	return d, m, c, nil
}

// BundleAnnotations are what cosign 3 expects on the manifest of a bundle that
// is a signature.
func BundleAnnotations() map[string]string {
	return map[string]string{
		bundleContentAnnotation:   bundleContentDSSE,
		bundlePredicateAnnotation: SignPredicate,
	}
}

// overlay reads from the first place that has the blob.
type overlay []oci.Blobs

// Open implements oci.Blobs.
func (o overlay) Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	var err error
	for _, b := range o {
		var r io.ReadCloser
		if r, err = b.Open(ctx, d); !errors.Is(err, oci.ErrNotFound) {
			return r, err
		}
	}
	return nil, err
}
