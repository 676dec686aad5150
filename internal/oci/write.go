package oci

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

// WriteLayout writes a layout into the directory dir, which is made when it is
// not there: blobs, the oci-layout file, and last an index.json that names
// root alone. Every blob is verified on the way; one that exists already
// is kept.
func WriteLayout(dir string, root ocispec.Descriptor, blobs []Blob) error {
	for _, b := range blobs {
		if err := writeBlob(dir, b); err != nil {
			return fmt.Errorf("writing layout %q: %w", dir, err)
		}
	}
	if err := writeLayoutFiles(dir, root); err != nil {
		return fmt.Errorf("writing layout %q: %w", dir, err)
	}
	return nil
}

func writeBlob(dir string, b Blob) error {
	if err := CheckDigest(b.Digest); err != nil {
		return err
	}
	name := filepath.Join(dir, filepath.FromSlash(blobName(b.Descriptor)))
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	r, err := b.open()
	if err != nil {
		return err
	}
	verified := NewVerifyReader(r, b.Descriptor)
	defer verified.Close()
	return action.WriteStream(name, func(w io.Writer) error {
		_, err := io.Copy(w, verified)
		return err
	})
}

func writeLayoutFiles(dir string, root ocispec.Descriptor) error {
	files, err := layoutFiles(root)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, ocispec.ImageBlobsDir), fs.FileMode(0o755)); err != nil {
		return err
	}
	for _, f := range files {
		if err := action.WriteFile(filepath.Join(dir, f.Name), f.Data); err != nil {
			return err
		}
	}
	return nil
}

// layoutFiles returns the files of a layout that are not blobs, the one that
// makes it complete last.
func layoutFiles(root ocispec.Descriptor) ([]action.Entry, error) {
	version, err := action.JSON(ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion})
	if err != nil {
		return nil, err
	}
	index, err := action.JSON(ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageIndex,
		Manifests: []ocispec.Descriptor{root},
	})
	if err != nil {
		return nil, err
	}
	return []action.Entry{
		{Name: ocispec.ImageLayoutFile, Data: version},
		{Name: ocispec.ImageIndexFile, Data: index},
	}, nil
}
