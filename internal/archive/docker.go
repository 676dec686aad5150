package archive

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// dockerManifestFile lists the images of a docker-archive.
const dockerManifestFile = "manifest.json"

// dockerImage is an element of dockerManifestFile.
type dockerImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// NamedArtifact is an artifact to export under a name.
type NamedArtifact struct {
	Root ocispec.Descriptor
	// Ref and Archs are as in ExportOptions.
	Ref   string
	Archs []arch.Arch
}

// ExportDocker writes the artifacts as one docker-archive, in the order given:
// one image for each architecture, with one layer. With several architectures
// each gets "-<arch>" at its tag, since docker knows one image for a tag.
func ExportDocker(ctx context.Context, w io.Writer, from oci.Blobs, all []NamedArtifact) error {
	entries := map[string][]byte{}
	images := []dockerImage{}
	for _, a := range all {
		parts, err := readParts(ctx, from, a.Root, a.Archs)
		if err != nil {
			return err
		}
		some, err := dockerImages(entries, parts, a.Ref)
		if err != nil {
			return err
		}
		images = append(images, some...)
	}
	list, err := action.JSON(images)
	if err != nil {
		return err
	}
	entries[dockerManifestFile] = list
	files := []action.Entry{}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		files = append(files, action.Entry{Name: name, Data: entries[name]})
	}
	return action.WriteTar(w, files)
}

// dockerImages adds the files of the images of an artifact to entries.
func dockerImages(entries map[string][]byte, parts artifactParts, ref string) ([]dockerImage, error) {
	images := []dockerImage{}
	for _, p := range parts.archs {
		layer, err := dockerLayer(parts, p)
		if err != nil {
			return nil, err
		}
		config, err := dockerConfig(p, layer)
		if err != nil {
			return nil, err
		}
		image := dockerImage{
			Config:   hexDigest(config) + ".json",
			RepoTags: dockerTags(ref, p.arch.String(), len(parts.archs)),
			Layers:   []string{path.Join(hexDigest(layer), "layer.tar")},
		}
		entries[image.Config], entries[image.Layers[0]] = config, layer
		images = append(images, image)
	}
	return images, nil
}

func dockerLayer(parts artifactParts, p archParts) ([]byte, error) {
	var layer bytes.Buffer
	if err := action.WriteTar(&layer, slices.Concat(p.entries, parts.records(p.arch))); err != nil {
		return nil, fmt.Errorf("writing docker layer: %w", err)
	}
	return layer.Bytes(), nil
}

// dockerConfig returns the image config that docker wants. It has no command:
// a gadget does not run in a container.
func dockerConfig(p archParts, layer []byte) ([]byte, error) {
	created := time.Unix(0, 0).UTC()
	return action.JSON(ocispec.Image{
		Created:  &created,
		Platform: ocispec.Platform{Architecture: p.arch.String(), OS: "linux"},
		Config:   ocispec.ImageConfig{Labels: map[string]string{gadget.FormatAnnotation: gadget.FormatVersion}},
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromBytes(layer)}},
		History:  []ocispec.History{{Created: &created, CreatedBy: "gadget " + p.arch.String()}},
	})
}

func dockerTags(ref, arch string, count int) []string {
	if ref == "" {
		return nil
	}
	name, _, _ := strings.Cut(ref, "@")
	if i := strings.LastIndexByte(name, ':'); i <= strings.LastIndexByte(name, '/') {
		name += ":latest"
	}
	if count > 1 {
		name += "-" + arch
	}
	return []string{name}
}

func hexDigest(data []byte) string {
	return digest.FromBytes(data).Encoded()
}
