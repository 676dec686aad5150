package imagecmd

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

// errNoDocker says that an archive is none of docker's.
var errNoDocker = errors.New("the archive has no file manifest.json")

// maxLayerFiles bounds the files of one layer; ours have at most six.
const maxLayerFiles = 64

// openDocker reads a docker archive that Save wrote: the files of its layers
// are the artifact's blobs.
func openDocker(path string) (oci.Blobs, []named, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	a := &dockerArchive{blobs: oci.Memory{}, roots: map[string]ocispec.Descriptor{}}
	tr := tar.NewReader(f)
	for range oci.MaxTarEntries {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return a.finish()
		}
		if err != nil {
			return nil, nil, fmt.Errorf("reading archive: %w", err)
		}
		if err := a.entry(h, tr); err != nil {
			return nil, nil, fmt.Errorf("reading archive: %q: %w", h.Name, err)
		}
	}
	return nil, nil, fmt.Errorf("reading archive: it has more than %d entries", oci.MaxTarEntries)
}

// dockerArchive is what was read of a docker archive.
type dockerArchive struct {
	blobs  oci.Memory
	roots  map[string]ocispec.Descriptor // by the layer's name
	images []dockerImage
	size   int64
}

func (a *dockerArchive) entry(h *tar.Header, r io.Reader) error {
	name := path.Clean(h.Name)
	switch {
	case h.Typeflag != tar.TypeReg:
		return nil
	case name == dockerManifest:
		data, err := a.read(h.Size, store.MaxManifest, r)
		if err != nil {
			return err
		}
		return json.Unmarshal(data, &a.images)
	case path.Base(name) == "layer.tar":
		return a.layer(name, r)
	}
	return nil
}

// read returns a whole file within the limits.
func (a *dockerArchive) read(size, limit int64, r io.Reader) ([]byte, error) {
	if a.size += size; size > limit || a.size > store.MaxArtifact {
		return nil, fmt.Errorf("it is larger than is allowed (%d bytes)", size)
	}
	return io.ReadAll(io.LimitReader(r, size))
}

// layer takes every file of a layer as a blob.
func (a *dockerArchive) layer(name string, r io.Reader) error {
	tr := tar.NewReader(r)
	for range maxLayerFiles {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		data, err := a.read(h.Size, store.MaxBlob, tr)
		if err != nil {
			return err
		}
		d := digest.FromBytes(data)
		a.blobs[d] = data
		if path.Clean(h.Name) == rootFile {
			a.roots[name] = oci.Describe(mediaTypeOf(data), data)
		}
	}
	return fmt.Errorf("it has more than %d files, it is no layer of a gadget", maxLayerFiles)
}

// mediaTypeOf tells an index from a manifest.
func mediaTypeOf(data []byte) string {
	var m struct {
		MediaType string            `json:"mediaType"`
		Manifests []json.RawMessage `json:"manifests"`
	}
	if err := json.Unmarshal(data, &m); err == nil && m.MediaType == "" && m.Manifests == nil {
		return ocispec.MediaTypeImageManifest
	}
	if m.MediaType != "" {
		return m.MediaType
	}
	return ocispec.MediaTypeImageIndex
}

// finish names each artifact once: as the shortest tag of its images, which
// is the one without an architecture.
func (a *dockerArchive) finish() (oci.Blobs, []named, error) {
	if a.images == nil {
		return nil, nil, errNoDocker
	}
	at := map[digest.Digest]int{}
	var all []named
	for _, img := range a.images {
		for _, layer := range img.Layers {
			root, ok := a.roots[path.Clean(layer)]
			if !ok {
				continue
			}
			name := ""
			if len(img.RepoTags) > 0 {
				name = img.RepoTags[0]
			}
			i, seen := at[root.Digest]
			if !seen {
				at[root.Digest] = len(all)
				all = append(all, named{name, root})
			} else if len(name) < len(all[i].name) {
				all[i].name = name
			}
		}
	}
	if len(all) == 0 {
		return nil, nil, errors.New("the docker archive holds no gadget, it was not written by \"image save\"")
	}
	// The empty config is inline in its descriptor and no file of the layer.
	a.blobs[ocispec.DescriptorEmptyJSON.Digest] = ocispec.DescriptorEmptyJSON.Data
	return a.blobs, all, nil
}
