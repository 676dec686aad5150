package assemble

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// WriteIndex writes the layout dir of the index over manifests. The blobs that
// the manifests name are found among files by their digest.
func WriteIndex(dir string, manifests []oci.Blob, files []string) (ocispec.Descriptor, error) {
	descriptors := []ocispec.Descriptor{}
	for _, m := range manifests {
		descriptors = append(descriptors, m.Descriptor)
	}
	index, err := gadget.IndexOf(descriptors)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	byDigest, err := digestFiles(files)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	blobs := []oci.Blob{}
	for _, m := range manifests {
		named, err := namedBlobs(m.Data, byDigest)
		if err != nil {
			return ocispec.Descriptor{}, fmt.Errorf("collecting blobs of manifest %s: %w", m.Digest, err)
		}
		blobs = append(append(blobs, named...), m)
	}
	blobs = append(blobs, oci.Blob{Descriptor: index.Descriptor, Data: index.Data})
	return index.Descriptor, oci.WriteLayout(dir, index.Descriptor, blobs)
}

// namedBlobs returns config and layers of a manifest, each with its file.
func namedBlobs(manifest []byte, byDigest map[digest.Digest]string) ([]oci.Blob, error) {
	var m ocispec.Manifest
	if err := json.Unmarshal(manifest, &m); err != nil {
		return nil, err
	}
	out := []oci.Blob{}
	for _, d := range append([]ocispec.Descriptor{m.Config}, m.Layers...) {
		name, ok := byDigest[d.Digest]
		if !ok && d.MediaType != ocispec.MediaTypeEmptyJSON {
			return nil, fmt.Errorf("no file has the content of blob %s (%s), pass it with --blob", d.Digest, d.MediaType)
		}
		out = append(out, oci.Blob{Descriptor: d, Path: name, Data: d.Data})
	}
	return out, nil
}

func digestFiles(files []string) (map[digest.Digest]string, error) {
	out := map[digest.Digest]string{}
	for _, name := range files {
		d, err := digestFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading blob: %w", err)
		}
		out[d] = name
	}
	return out, nil
}

func digestFile(name string) (digest.Digest, error) {
	f, err := action.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return digest.SHA256.FromReader(f)
}

// decodeStrict decodes one JSON value and nothing after it.
func decodeStrict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("there is more after the first JSON value: %s", strings.TrimSpace(string(data[dec.InputOffset():])))
	}
	return nil
}
