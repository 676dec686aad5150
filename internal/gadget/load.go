package gadget

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// ErrNoGadget means that an artifact is something else than a gadget.
var ErrNoGadget = errors.New("the artifact is not a gadget")

// maxIndexDepth is how many indexes may lie inside each other.
const maxIndexDepth = 4

// Artifact is a gadget for one architecture, verified and in memory.
type Artifact struct {
	// Arch is the architecture that it was loaded for.
	Arch arch.Arch
	// Descriptor describes Manifest.
	Descriptor ocispec.Descriptor
	Manifest   ocispec.Manifest
	// Metadata is gadget.yaml; nil when the artifact has none.
	Metadata []byte
	// Object, Wasm and BTF are the layers; nil when absent or skipped.
	Object, Wasm, BTF []byte
	// Annotations are the manifest's.
	Annotations map[string]string
	// UnknownLayers are layers of other types; they were not read, and the
	// caller should say so.
	UnknownLayers []ocispec.Descriptor
}

// LoadOption changes what Load reads.
type LoadOption func(*loader)

// WithLimits replaces DefaultLimits.
func WithLimits(l Limits) LoadOption { return func(ld *loader) { ld.limits = l } }

// SkipLayers leaves layers of the given media types unread.
func SkipLayers(mediaTypes ...string) LoadOption {
	return func(ld *loader) { ld.skip = append(ld.skip, mediaTypes...) }
}

// loader is one call of Load.
type loader struct {
	blobs  oci.Blobs
	limits Limits
	skip   []string
}

// Load reads the gadget for a from blobs. root describes an index, of which
// only the manifest for a is read, or a manifest, whose platform must be
// unknown or a. Every blob is verified against its digest, its size and the
// limits. The error is an *oci.ArchError when it has nothing for a, and
// ErrNoGadget when the artifact is something else.
func Load(
	ctx context.Context, blobs oci.Blobs, root ocispec.Descriptor, a arch.Arch, opts ...LoadOption,
) (*Artifact, error) {
	ld := &loader{blobs: blobs, limits: DefaultLimits()}
	for _, o := range opts {
		o(ld)
	}
	d, data, err := ld.manifest(ctx, root, a)
	if err != nil {
		return nil, fmt.Errorf("reading manifest: %w", err)
	}
	art := &Artifact{Arch: a, Descriptor: d}
	if art.Manifest, err = oci.ParseImage(data); err != nil {
		return nil, fmt.Errorf("reading manifest %s: %w", d.Digest, err)
	}
	if err := checkGadget(art.Manifest); err != nil {
		return nil, fmt.Errorf("reading manifest %s: %w", d.Digest, err)
	}
	art.Annotations = art.Manifest.Annotations
	if err := ld.config(ctx, art); err != nil {
		return nil, err
	}
	return art, ld.layers(ctx, art)
}

// manifest follows indexes from d to the manifest for a.
func (ld *loader) manifest(ctx context.Context, d ocispec.Descriptor, a arch.Arch) (ocispec.Descriptor, []byte, error) {
	for range maxIndexDepth {
		data, err := oci.ReadBlob(ctx, ld.blobs, d, ld.limits.Manifest)
		if err != nil {
			return d, nil, err
		}
		isIndex, err := IsIndex(d, data)
		if err != nil {
			return d, nil, fmt.Errorf("reading %s: %w", d.Digest, err)
		}
		if !isIndex {
			return d, data, checkPlatform(d, a)
		}
		idx, err := oci.ParseIndex(data)
		if err != nil {
			return d, nil, fmt.Errorf("reading index %s: %w", d.Digest, err)
		}
		if d, err = oci.SelectManifest(idx, a); err != nil {
			return d, nil, err
		}
	}
	return d, nil, fmt.Errorf("more than %d indexes inside each other", maxIndexDepth)
}

// IsIndex reports whether data is an index rather than a manifest. The
// content counts, not the descriptor, whose media type may be missing.
func IsIndex(d ocispec.Descriptor, data []byte) (bool, error) {
	var probe struct {
		MediaType string           `json:"mediaType"`
		Manifests *json.RawMessage `json:"manifests"`
		Config    *json.RawMessage `json:"config"`
	}
	if err := json.Unmarshal(data, &probe); err != nil {
		return false, err
	}
	switch {
	case probe.Manifests != nil && probe.Config == nil:
		return true, nil
	case probe.Config != nil && probe.Manifests == nil:
		return false, nil
	}
	return false, fmt.Errorf("%w: it is neither an index nor a manifest (media type %q)", ErrNoGadget, d.MediaType)
}

func checkPlatform(d ocispec.Descriptor, a arch.Arch) error {
	if d.Platform == nil || d.Platform.Architecture == "" {
		return nil
	}
	_, err := oci.SelectManifest(ocispec.Index{Manifests: []ocispec.Descriptor{d}}, a)
	return err
}

// checkGadget accepts the gadget artifact type and, without any artifact type,
// manifests whose config is a gadget's.
func checkGadget(m ocispec.Manifest) error {
	if m.ArtifactType == ArtifactType {
		return nil
	}
	if m.ArtifactType == "" && m.Config.MediaType == ConfigMediaType {
		return nil
	}
	return fmt.Errorf("%w: artifact type %q, config type %q", ErrNoGadget, m.ArtifactType, m.Config.MediaType)
}

func (ld *loader) config(ctx context.Context, art *Artifact) error {
	c := art.Manifest.Config
	switch c.MediaType {
	case ocispec.MediaTypeEmptyJSON:
		return nil
	case ConfigMediaType:
	default:
		return fmt.Errorf("reading config: %w: config type %q", ErrNoGadget, c.MediaType)
	}
	data, err := oci.ReadBlob(ctx, ld.blobs, c, ld.limits.Config)
	if err != nil {
		return fmt.Errorf("reading config: %w", err)
	}
	art.Metadata = data
	return nil
}

func (ld *loader) layers(ctx context.Context, art *Artifact) error {
	dst := map[string]*[]byte{EBPFMediaType: &art.Object, WasmMediaType: &art.Wasm, BTFMediaType: &art.BTF}
	seen := map[string]bool{}
	for _, d := range art.Manifest.Layers {
		i := slices.IndexFunc(parts(), func(p part) bool { return p.mediaType == d.MediaType })
		if i < 0 {
			art.UnknownLayers = append(art.UnknownLayers, d)
			continue
		}
		p := parts()[i]
		if seen[d.MediaType] {
			return fmt.Errorf("reading layers: two layers of type %q, a gadget has one of each at most", d.MediaType)
		}
		seen[d.MediaType] = true
		if slices.Contains(ld.skip, d.MediaType) {
			continue
		}
		data, err := ld.layer(ctx, d, p)
		if err != nil {
			return fmt.Errorf("reading %s: %w", p.what, err)
		}
		*dst[d.MediaType] = data
	}
	return nil
}

func (ld *loader) layer(ctx context.Context, d ocispec.Descriptor, p part) ([]byte, error) {
	data, err := oci.ReadBlob(ctx, ld.blobs, d, p.limit(ld.limits))
	if err != nil {
		return nil, err
	}
	if err := p.check(data); err != nil {
		return nil, fmt.Errorf("blob %s: %w", d.Digest, err)
	}
	return data, nil
}
