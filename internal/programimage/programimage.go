// Package programimage assembles the container image of one static program: the
// program, the certificates that it trusts, and nothing else.
package programimage

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// certificatesFile is where programs look for certificates first, those of Go
// among them.
const certificatesFile = "etc/ssl/certs/ca-certificates.crt"

// Request is what an image is made from.
type Request struct {
	// Programs are the bytes of the program for each architecture.
	Programs map[arch.Arch][]byte
	// Path is that of the program in the image, without a slash before it.
	Path string
	// Certificates are PEM; they are written in this order.
	Certificates [][]byte
	// Labels of the image; the manifests and the index have them as annotations.
	Labels map[string]string
	// Created is the time that the image says it was made.
	Created time.Time
}

// Image is an image for several architectures, in memory.
type Image struct {
	// Root describes the index.
	Root ocispec.Descriptor
	// Blobs holds the index and everything that it refers to.
	Blobs []oci.Blob
}

// Build makes the image. Equal requests give equal bytes.
func Build(req Request) (Image, error) {
	if len(req.Programs) == 0 {
		return Image{}, errors.New("building image: no program is given")
	}
	if !action.CleanName(req.Path) {
		return Image{}, fmt.Errorf("building image: %q is not a path in an image, name one without a slash before it",
			req.Path)
	}
	base, err := newLayer("certificates and /tmp", req.Created, req.baseFiles())
	if err != nil {
		return Image{}, fmt.Errorf("building image: %w", err)
	}
	var out Image
	var manifests []ocispec.Descriptor
	for _, a := range slices.Sorted(maps.Keys(req.Programs)) {
		made, err := req.platform(a, base)
		if err != nil {
			return Image{}, fmt.Errorf("building image for %s: %w", a, err)
		}
		manifests = append(manifests, made.Root)
		out.Blobs = append(out.Blobs, made.Blobs...)
	}
	index, err := blobOf(ocispec.MediaTypeImageIndex, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex,
		Manifests: manifests, Annotations: req.Labels,
	})
	out.Root, out.Blobs = index.Descriptor, append(out.Blobs, index)
	return out, err
}

// baseFiles are what every architecture has.
func (req Request) baseFiles() []action.Entry {
	files := []action.Entry{{Name: "tmp", Mode: 0o1777, Directory: true}}
	if len(req.Certificates) > 0 {
		files = append(files, action.Entry{Name: certificatesFile, Data: bytes.Join(req.Certificates, nil)})
	}
	return files
}

// platform makes the manifest for an architecture, whose descriptor is the Root.
func (req Request) platform(a arch.Arch, base layer) (Image, error) {
	if err := check(a, req.Programs[a]); err != nil {
		return Image{}, err
	}
	program, err := newLayer(path.Base(req.Path), req.Created,
		[]action.Entry{{Name: req.Path, Data: req.Programs[a], Mode: 0o755}})
	if err != nil {
		return Image{}, err
	}
	config, err := blobOf(ocispec.MediaTypeImageConfig, req.config(a, base, program))
	if err != nil {
		return Image{}, err
	}
	manifest, err := blobOf(ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: config.Descriptor, Annotations: req.Labels,
		Layers: []ocispec.Descriptor{base.blob.Descriptor, program.blob.Descriptor},
	})
	manifest.Platform = &ocispec.Platform{OS: "linux", Architecture: a.String()}
	return Image{manifest.Descriptor, []oci.Blob{base.blob, program.blob, config, manifest}}, err
}

// config is the image's configuration. It names no user: what loads programs into
// the kernel starts as root, with the capabilities that it is given.
func (req Request) config(a arch.Arch, layers ...layer) ocispec.Image {
	config := ocispec.Image{
		Created:  &req.Created,
		Platform: ocispec.Platform{OS: "linux", Architecture: a.String()},
		Config: ocispec.ImageConfig{
			Entrypoint: []string{"/" + req.Path},
			Env:        []string{"PATH=/" + path.Dir(req.Path)},
			Labels:     req.Labels,
		},
		RootFS: ocispec.RootFS{Type: "layers"},
	}
	for _, l := range layers {
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, l.diffID)
		config.History = append(config.History, l.history)
	}
	return config
}

// layer is one layer of an image.
type layer struct {
	blob    oci.Blob
	diffID  digest.Digest // of the tar
	history ocispec.History
}

func newLayer(comment string, created time.Time, files []action.Entry) (layer, error) {
	var tar bytes.Buffer
	if err := action.WriteTar(&tar, files); err != nil {
		return layer{}, err
	}
	compressed, err := action.Gzip(tar.Bytes())
	return layer{
		blob:    oci.NewBlob(ocispec.MediaTypeImageLayerGzip, compressed),
		diffID:  digest.FromBytes(tar.Bytes()),
		history: ocispec.History{Created: &created, CreatedBy: "rules_gadget", Comment: comment},
	}, err
}

// blobOf is the JSON of v.
func blobOf(mediaType string, v any) (oci.Blob, error) {
	data, err := action.JSON(v)
	return oci.NewBlob(mediaType, data), err
}
