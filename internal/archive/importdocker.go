package archive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/compression"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// dockerArtifact is the images of one artifact in a docker-archive.
type dockerArtifact struct {
	files map[string][]byte
	tags  []string
	archs map[string]bool
}

// importDocker restores the artifacts from the layers of a docker-archive.
func importDocker(name string, files map[string][]byte) (*Imported, error) {
	artifacts, err := dockerArtifacts(files)
	if err != nil {
		return nil, fmt.Errorf("importing %q: %w", name, err)
	}
	out := &Imported{}
	all := map[string][]byte{}
	for i, a := range artifacts {
		root, err := recordedRoot(a.files)
		if err != nil {
			return nil, fmt.Errorf("importing %q: %w", name, err)
		}
		for file, data := range a.files {
			all[fmt.Sprintf("%d/%s", i, file)] = data
		}
		for _, tag := range a.names() {
			out.Roots = append(out.Roots, NameRoot(root, tag))
		}
	}
	out.Blobs = fileBlobs(all)
	return out, nil
}

// layoutImages adds to the files of a layout the list of its container images that
// a docker-archive would have, and their layers, which mostly are compressed.
func layoutImages(ctx context.Context, l *oci.Layout, files map[string][]byte) error {
	left := int64(MaxImportBytes)
	for _, data := range files {
		left -= int64(len(data))
	}
	var images []dockerImage
	layers := 0
	for _, d := range l.Index().Manifests {
		m, err := oci.ReadImage(ctx, l, d)
		if err != nil {
			return fmt.Errorf("reading the manifest of an image: %w", err)
		}
		var image dockerImage
		if tag := d.Annotations[ocispec.AnnotationRefName]; tag != "" {
			image.RepoTags = []string{tag}
		}
		if layers += len(m.Layers); layers > maxDockerLayers {
			return fmt.Errorf("its images have at least %d layers, at most %d are allowed", layers, maxDockerLayers)
		}
		for _, layer := range m.Layers {
			packed, err := oci.ReadBlob(ctx, l, layer, MaxImportBytes)
			if err != nil {
				return err
			}
			limit := min(left, maxLayerRatio*int64(len(packed))+minLayer)
			data, err := compression.ReadAll(compression.Detect(packed), bytes.NewReader(packed), limit)
			if err != nil {
				return fmt.Errorf("unpacking layer %s: %w", layer.Digest, err)
			}
			left -= int64(len(data))
			files[layer.Digest.String()] = data
			image.Layers = append(image.Layers, layer.Digest.String())
		}
		images = append(images, image)
	}
	var err error
	files[dockerManifestFile], err = json.Marshal(images)
	return err
}

// dockerArtifacts reads the images and puts those together that are of one
// artifact, in the order of the archive.
func dockerArtifacts(files map[string][]byte) ([]*dockerArtifact, error) {
	images, err := oci.ParseList[dockerImage](files[dockerManifestFile], maxDockerLayers) // an image has a layer
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", dockerManifestFile, err)
	}
	if len(images) == 0 {
		return nil, errors.New("its list of images is empty, so it is not an exported gadget")
	}
	var all []*dockerArtifact
	byKey := map[string]*dockerArtifact{}
	layers, total := 0, 0
	for i, image := range images {
		if layers += len(image.Layers); layers > maxDockerLayers {
			return nil, fmt.Errorf("its images have at least %d layers, at most %d are allowed", layers, maxDockerLayers)
		}
		content, err := imageFiles(files, i, image)
		if err != nil {
			return nil, err
		}
		if total += len(content); total > MaxImportFiles {
			return nil, fmt.Errorf("more than %d files", MaxImportFiles)
		}
		key := artifactKey(content)
		a := byKey[key]
		if a == nil {
			a = &dockerArtifact{files: map[string][]byte{}, archs: map[string]bool{}}
			byKey[key] = a
			all = append(all, a)
		}
		a.add(content, image.RepoTags)
	}
	return all, nil
}

// imageFiles reads the layers of an image: records under their own names, other
// files under names that no other image has.
func imageFiles(files map[string][]byte, i int, image dockerImage) (map[string][]byte, error) {
	out := map[string][]byte{}
	for j, layer := range image.Layers {
		inner, err := readLayer(files[path.Clean(layer)])
		if err != nil {
			return nil, fmt.Errorf("reading layer %q: %w, save the gadget as an OCI layout if another tool wrote this", layer,
				err)
		}
		for file, data := range inner {
			if !strings.HasPrefix(file, recordDirectory+"/") {
				file = fmt.Sprintf("%d/%d/%s", i, j, file)
			}
			out[file] = data
		}
	}
	return out, nil
}

// artifactKey distinguishes the images of one artifact from those of others: by its
// index, or by all its records when it has none.
func artifactKey(files map[string][]byte) string {
	if data, ok := files[path.Join(recordDirectory, "index.json")]; ok {
		return digest.FromBytes(data).String()
	}
	key := ""
	for _, a := range arch.All() {
		key += digest.FromBytes(files[path.Join(recordDirectory, a.String()+".json")]).String()
	}
	return key
}

func (a *dockerArtifact) add(files map[string][]byte, tags []string) {
	maps.Copy(a.files, files)
	a.tags = append(a.tags, tags...)
	for _, x := range arch.All() {
		if _, ok := files[path.Join(recordDirectory, x.String()+".json")]; ok {
			a.archs[x.String()] = true
		}
	}
}

// names undo what dockerTags does. An artifact without a tag has the empty one.
func (a *dockerArtifact) names() []string {
	var all []string
	for _, name := range a.tags {
		if cut := strings.LastIndexByte(name, '-'); len(a.archs) > 1 && cut >= 0 && a.archs[name[cut+1:]] {
			name = name[:cut]
		}
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	if len(all) == 0 {
		return []string{""}
	}
	return all
}
