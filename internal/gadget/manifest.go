package gadget

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// ManifestInput is what the manifest of one architecture is made of. Empty
// parts are left out.
type ManifestInput struct {
	Arch arch.Arch
	// Metadata is the content of gadget.yaml; nil means none.
	Metadata []byte
	// Object, Wasm and BTF are the layers.
	Object, Wasm, BTF []byte
	// Labels are added to the annotations and win over gadget.yaml's.
	Labels map[string]string
	// Created is the time of creation; the zero time means the epoch.
	Created time.Time
}

// Built is a manifest with all that it refers to.
type Built struct {
	// Descriptor describes the manifest, with platform and annotations.
	Descriptor ocispec.Descriptor
	// Manifest is the content of Data.
	Manifest ocispec.Manifest
	// Data is the manifest's bytes.
	Data []byte
	// Blobs holds config and layers, not the manifest itself.
	Blobs []oci.Blob
}

// BuildManifest returns the manifest of one architecture. The same input
// gives the same bytes.
func BuildManifest(in ManifestInput) (Built, error) {
	b, err := buildManifest(in)
	if err != nil {
		return Built{}, fmt.Errorf("building manifest of %s: %w", in.Arch, err)
	}
	return b, nil
}

func buildManifest(in ManifestInput) (Built, error) {
	if !in.Arch.Supported() {
		return Built{}, fmt.Errorf("unknown architecture %q", in.Arch)
	}
	annotations, err := Annotations(in.Metadata, in.Labels, in.Created)
	if err != nil {
		return Built{}, err
	}
	config := configBlob(in.Metadata, annotations)
	layers, err := layerBlobs(in)
	if err != nil {
		return Built{}, err
	}
	if len(layers) == 0 && in.Metadata == nil {
		return Built{}, errors.New("the gadget is empty, it has no object, no wasm module and no metadata, add " +
			"program.bpf.c or name its source in build.yaml")
	}
	m := ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: ArtifactType,
		Config:       config.Descriptor,
		Layers:       []ocispec.Descriptor{},
		Annotations:  annotations,
	}
	for _, l := range layers {
		m.Layers = append(m.Layers, l.Descriptor)
	}
	return describeManifest(m, in.Arch, append([]oci.Blob{config}, layers...))
}

func describeManifest(m ocispec.Manifest, a arch.Arch, blobs []oci.Blob) (Built, error) {
	data, err := compactJSON(m)
	if err != nil {
		return Built{}, err
	}
	if len(data) > MaxManifest {
		return Built{}, fmt.Errorf("it has %d bytes, the limit is %d", len(data), MaxManifest)
	}
	d := oci.Describe(ocispec.MediaTypeImageManifest, data)
	// Without the artifact's type, which the manifest has: skopeo 1.9 cannot
	// copy an index with types and keep its digest.
	d.Annotations = m.Annotations
	d.Platform = &ocispec.Platform{OS: "linux", Architecture: a.String()}
	return Built{Descriptor: d, Manifest: m, Data: data, Blobs: blobs}, nil
}

// BuiltIndex is an index with its bytes.
type BuiltIndex struct {
	Descriptor ocispec.Descriptor
	Index      ocispec.Index
	Data       []byte
}

// BuildIndex returns the index over manifests, sorted by architecture. Two of
// the same architecture are refused. The index takes its annotations from the
// first one.
func BuildIndex(manifests []Built) (BuiltIndex, error) {
	descriptors := []ocispec.Descriptor{}
	for _, m := range manifests {
		descriptors = append(descriptors, m.Descriptor)
	}
	return IndexOf(descriptors)
}

// IndexOf is BuildIndex for manifests of which only the descriptors are known.
func IndexOf(manifests []ocispec.Descriptor) (BuiltIndex, error) {
	if len(manifests) == 0 {
		return BuiltIndex{}, errors.New("building index: no manifest is given")
	}
	sorted := slices.Clone(manifests)
	slices.SortFunc(sorted, func(a, b ocispec.Descriptor) int {
		return strings.Compare(ArchOf(a), ArchOf(b))
	})
	for i, d := range sorted {
		if ArchOf(d) == "" {
			return BuiltIndex{}, fmt.Errorf("building index: manifest %s has no platform", d.Digest)
		}
		if i > 0 && ArchOf(sorted[i-1]) == ArchOf(d) {
			return BuiltIndex{}, fmt.Errorf("building index: two manifests for %s", ArchOf(d))
		}
	}
	annotations := sorted[0].Annotations
	for i, d := range sorted {
		sorted[i].Annotations = withTitle(d.Annotations, "")
	}
	index := ocispec.Index{
		Versioned:   specs.Versioned{SchemaVersion: 2},
		MediaType:   ocispec.MediaTypeImageIndex,
		Manifests:   sorted,
		Annotations: annotations,
	}
	data, err := compactJSON(index)
	if err != nil {
		return BuiltIndex{}, fmt.Errorf("building index: %w", err)
	}
	return BuiltIndex{Descriptor: oci.Describe(ocispec.MediaTypeImageIndex, data), Index: index, Data: data}, nil
}

// ArchOf returns the architecture of the platform of d, "" where it has none.
func ArchOf(d ocispec.Descriptor) string {
	if d.Platform == nil {
		return ""
	}
	return d.Platform.Architecture
}

// Annotations returns the annotations of index, manifest and, but for the
// title, config: what gadget.yaml specifies of the gadget, its own annotations, labels, the format, and
// the time of creation, which nothing else can set. Empty values are left out.
func Annotations(metadata []byte, labels map[string]string, created time.Time) (map[string]string, error) {
	if created.IsZero() {
		created = time.Unix(0, 0)
	}
	md, problems := ParseMetadata(metadata, ConfigFile, false)
	if err := problems.Err(); err != nil {
		return nil, fmt.Errorf("reading metadata: %w", err)
	}
	out := map[string]string{
		ocispec.AnnotationTitle:         md.Name,
		ocispec.AnnotationDescription:   md.Description,
		ocispec.AnnotationURL:           md.HomepageURL,
		ocispec.AnnotationDocumentation: md.DocumentationURL,
		ocispec.AnnotationSource:        md.SourceURL,
		FormatAnnotation:                FormatVersion,
	}
	maps.Copy(out, md.Annotations)
	maps.Copy(out, labels)
	out[ocispec.AnnotationCreated] = created.UTC().Format(time.RFC3339)
	maps.DeleteFunc(out, func(_, v string) bool { return v == "" })
	return out, nil
}

func configBlob(metadata []byte, annotations map[string]string) oci.Blob {
	if metadata == nil {
		empty := ocispec.DescriptorEmptyJSON
		empty.Annotations = withTitle(annotations, "")
		return oci.Blob{Descriptor: empty, Data: empty.Data}
	}
	b := oci.NewBlob(ConfigMediaType, metadata)
	b.Annotations = withTitle(annotations, ConfigFile)
	return b
}

// withTitle returns annotations with another title, or none. To clients that
// know files alone, as oras, anything that a descriptor with a title leads to is a
// file of that name: the config is one, and a manifest is none.
func withTitle(annotations map[string]string, title string) map[string]string {
	out := maps.Clone(annotations)
	delete(out, ocispec.AnnotationTitle)
	if title != "" {
		out[ocispec.AnnotationTitle] = title
	}
	return out
}

func layerBlobs(in ManifestInput) ([]oci.Blob, error) {
	content := map[string][]byte{EBPFMediaType: in.Object, WasmMediaType: in.Wasm, BTFMediaType: in.BTF}
	out := []oci.Blob{}
	for _, p := range parts() {
		data := content[p.mediaType]
		if len(data) == 0 {
			continue
		}
		if limit := p.limit(DefaultLimits()); int64(len(data)) > limit {
			return nil, fmt.Errorf("adding %s: it has %d bytes, the limit is %d", p.what, len(data), limit)
		}
		if err := p.check(data); err != nil {
			return nil, fmt.Errorf("adding %s: %w", p.what, err)
		}
		b := oci.NewBlob(p.mediaType, data)
		b.Annotations = map[string]string{ocispec.AnnotationTitle: p.file}
		out = append(out, b)
	}
	return out, nil
}

// compactJSON is action.JSON without the newline: digests are over this.
func compactJSON(v any) ([]byte, error) {
	data, err := action.JSON(v)
	return bytes.TrimSuffix(data, []byte("\n")), err
}
