package archive

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// Limits of Import outside of layouts, whose blobs are read on demand.
const (
	// MaxImportFiles is the largest number of files.
	MaxImportFiles = 1 << 12
	// MaxImportBytes is the largest size of all files together, which are held
	// in memory.
	MaxImportBytes = 512 << 20
	// maxTarHeaders is the largest number of members of a tar, of any type.
	maxTarHeaders = 1 << 16
	// maxTarName is the longest name of a file in a tar, in bytes.
	maxTarName = 4096
	// maxDockerLayers is the largest number of layers of all images.
	maxDockerLayers = 64
	// maxLayerRatio and minLayer bound what a compressed layer unpacks to: so many
	// times its size, and so many bytes in any case.
	maxLayerRatio = 64
	minLayer      = 1 << 20
)

// Imported is an artifact read from a file or a directory.
type Imported struct {
	oci.Blobs
	// Roots are the artifacts in it, with their names as
	// org.opencontainers.image.ref.name when they have one.
	Roots []ocispec.Descriptor

	closer io.Closer
}

// Close releases the file that was imported from.
func (i *Imported) Close() error {
	if i.closer == nil {
		return nil
	}
	return i.closer.Close()
}

// Import opens what Export or ExportLocal wrote: a layout directory or its tar, a
// docker-archive, or a directory of files. A docker-archive may have been loaded and
// saved by docker or podman in between. The form is found by its content.
func Import(ctx context.Context, name string) (*Imported, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("importing: %w", err)
	}
	if !info.IsDir() {
		return importTar(ctx, name)
	}
	if _, err := os.Stat(filepath.Join(name, ocispec.ImageLayoutFile)); err == nil {
		l, err := oci.OpenLayout(name)
		return importedLayout(l, err)
	}
	if holdsSources(name) {
		return nil, fmt.Errorf("importing %q: it has the sources of a gadget, build them with "+
			"\"gadget-run image build\"", name)
	}
	files, err := readDirectory(name)
	if err != nil {
		return nil, fmt.Errorf("importing %q: %w", name, err)
	}
	return restore(name, files)
}

// holdsSources reports whether a directory is what gadgets are built from, and no
// exported gadget, which has gadget.yaml, too.
func holdsSources(name string) bool {
	_, metadata := os.Stat(filepath.Join(name, gadget.ConfigFile))
	_, records := os.Stat(filepath.Join(name, recordDirectory))
	return metadata == nil && records != nil
}

func importedLayout(l *oci.Layout, err error) (*Imported, error) {
	if err != nil {
		return nil, fmt.Errorf("importing: %w", err)
	}
	return &Imported{Blobs: l, Roots: l.Index().Manifests, closer: l}, nil
}

// importTar distinguishes a layout's tar from a docker-archive. What docker and podman save
// may be both: where its images hold a gadget, that is restored from them.
func importTar(ctx context.Context, name string) (*Imported, error) {
	l, layoutErr := oci.OpenLayoutTar(name)
	if layoutErr == nil {
		if !holdsExported(ctx, l) {
			return importedLayout(l, nil)
		}
		defer l.Close()
	}
	f, err := action.Open(name)
	if err != nil {
		return nil, fmt.Errorf("importing: %w", err)
	}
	defer f.Close()
	files, err := readTar(f)
	if err != nil {
		return nil, fmt.Errorf("importing %q: %w", name, err)
	}
	_, ok := files[dockerManifestFile]
	switch {
	case ok:
		return importDocker(name, files)
	case layoutErr == nil:
		if err := layoutImages(ctx, l, files); err != nil {
			return nil, fmt.Errorf("importing %q: %w", name, err)
		}
		return importDocker(name, files)
	}
	return nil, fmt.Errorf("importing: %w, and no docker-archive", layoutErr)
}

// holdsExported reports whether ExportDocker made an image of a layout: other
// tools keep its config as it is.
func holdsExported(ctx context.Context, l *oci.Layout) bool {
	all := l.Index().Manifests
	for _, d := range all[:min(len(all), maxDockerLayers)] { // an image has a layer
		manifest, err := oci.ReadImage(ctx, l, d)
		if err != nil {
			continue
		}
		data, err := oci.ReadBlob(ctx, l, manifest.Config, gadget.MaxManifest)
		var config struct {
			Config struct{ Labels map[string]string } `json:"config"`
		}
		if err == nil && json.Unmarshal(data, &config) == nil && config.Config.Labels[gadget.FormatAnnotation] != "" {
			return true
		}
	}
	return false
}

// restore puts an artifact together from its records and from files that are
// found by their digest.
func restore(name string, files map[string][]byte) (*Imported, error) {
	root, err := recordedRoot(files)
	if err != nil {
		return nil, fmt.Errorf("importing %q: %w", name, err)
	}
	return &Imported{Blobs: fileBlobs(files), Roots: []ocispec.Descriptor{root}}, nil
}

func fileBlobs(files map[string][]byte) oci.Memory {
	blobs := []oci.Blob{oci.NewBlob(ocispec.MediaTypeEmptyJSON, ocispec.DescriptorEmptyJSON.Data)}
	for _, data := range files {
		blobs = append(blobs, oci.NewBlob("", data))
	}
	return oci.NewMemory(blobs...)
}

// recordedRoot returns the index when all its manifests are there, else the
// only manifest.
func recordedRoot(files map[string][]byte) (ocispec.Descriptor, error) {
	manifests := map[string]ocispec.Descriptor{}
	var last ocispec.Descriptor
	for _, a := range arch.All() {
		if data, ok := files[path.Join(recordDirectory, a.String()+".json")]; ok {
			last = oci.Describe(ocispec.MediaTypeImageManifest, data)
			last.Platform = &ocispec.Platform{OS: "linux", Architecture: a.String()}
			manifests[last.Digest.String()] = last
		}
	}
	if len(manifests) == 0 {
		return last, fmt.Errorf("file %s/<arch>.json does not exist, so it is not an exported gadget", recordDirectory)
	}
	data, ok := files[path.Join(recordDirectory, "index.json")]
	if !ok && len(manifests) == 1 {
		return last, nil
	}
	idx, err := oci.ParseIndex(data)
	if err != nil {
		return last, fmt.Errorf("reading %s/index.json: %w", recordDirectory, err)
	}
	for _, d := range idx.Manifests {
		if _, ok := manifests[d.Digest.String()]; !ok && len(manifests) == 1 {
			return last, nil
		}
	}
	return oci.Describe(ocispec.MediaTypeImageIndex, data), nil
}

// readDirectory returns the regular files below dir.
func readDirectory(dir string) (map[string][]byte, error) {
	out := map[string][]byte{}
	budget := int64(MaxImportBytes)
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		if len(out) >= MaxImportFiles {
			return fmt.Errorf("more than %d files", MaxImportFiles)
		}
		data, err := action.ReadFile(name, budget)
		if err != nil {
			return err
		}
		budget -= int64(len(data))
		rel, err := filepath.Rel(dir, name)
		out[filepath.ToSlash(rel)] = data
		return err
	})
	return out, err
}
