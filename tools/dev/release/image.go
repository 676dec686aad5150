package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os/exec"
	"path"
	"path/filepath"
	"slices"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/attest"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

const (
	// imageLabel is the target of the container image of gadget-run.
	imageLabel = "//deploy/image"
	// imageName is where the image is published: its signatures say so.
	imageName = "ghcr.io/" + owner + "/gadget-run"
	// imageFile is the beginning of the names of the image's files.
	imageFile = "gadget-run-image"
)

// image is the container image as it is built.
type image struct {
	layout           string // directory
	provenance, sbom []byte
}

// image builds the container image.
func (b bazel) image(ctx context.Context, t tree) (image, error) {
	args := append(slices.Clone(b.command[1:]), "build", "--config=release", "--output_groups=default,attestations",
		imageLabel)
	cmd := exec.CommandContext(ctx, b.command[0], args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.dir, b.log, b.log
	if err := cmd.Run(); err != nil {
		return image{}, fmt.Errorf("building the container image with %s, see above: %w", b.command[0], err)
	}
	built := t.path(filepath.Join("bazel-bin", "deploy", "image"))
	made := image{layout: filepath.Join(built, "image.oci")}
	var err error
	if made.provenance, err = action.ReadFile(filepath.Join(built, "image.provenance.json"), maxProgram); err != nil {
		return image{}, err
	}
	made.sbom, err = action.ReadFile(filepath.Join(built, "image.spdx.json"), maxProgram)
	return made, err
}

// image makes the archive of the container image, with what refers to it: SBOM,
// provenance and signatures. "gadget-run image copy" takes all of it to a registry.
func (r *release) image(ctx context.Context) ([]file, error) {
	built, err := r.builder.image(ctx, r.tree)
	if err != nil {
		return nil, err
	}
	layout, err := oci.OpenLayout(built.layout)
	if err != nil {
		return nil, err
	}
	defer layout.Close()
	root, err := layout.Root("")
	if err != nil {
		return nil, err
	}
	refer, err := r.referrers(ctx, root, built)
	if err != nil {
		return nil, fmt.Errorf("signing the container image: %w", err)
	}
	archive, err := r.archive(ctx, layout, root, refer)
	return []file{
		{imageFile + ".tar", archive},
		{imageFile + ".digest", []byte(imageName + "@" + root.Digest.String() + "\n")},
		{imageFile + ".provenance.json", built.provenance},
		{imageFile + ".spdx.json", built.sbom},
	}, err
}

// referrers are what refers to an image, with all blobs of it.
type referrers struct {
	blobs oci.Memory
	list  []store.Referrer
}

// referrers makes the documents about the image and its signatures, for cosign 2 and
// cosign 3.
func (r *release) referrers(ctx context.Context, root ocispec.Descriptor, built image) (*referrers, error) {
	bundle, err := sign.New(sign.FormBundle, root.Digest, imageName, nil, r.key)
	if err != nil {
		return nil, err
	}
	made := &referrers{blobs: oci.Memory{}}
	for _, doc := range []registry.Document{
		{MediaType: attest.StatementMediaType, Data: built.provenance},
		{MediaType: attest.SPDXMediaType, Data: built.sbom},
		{MediaType: sign.BundleMediaType, Data: bundle.Data, Annotations: sign.BundleAnnotations()},
	} {
		blobs, d, err := registry.ReferrerManifest(root, doc)
		if err != nil {
			return nil, err
		}
		maps.Copy(made.blobs, blobs)
		made.list = append(made.list, store.Referrer{Target: d, Subject: root.Digest})
	}
	tagged, err := sign.New(sign.FormTag, root.Digest, imageName, nil, r.key)
	if err != nil {
		return nil, err
	}
	from, d, err := sign.TagManifest(ctx, nowhere{}, root.Digest, tagged)
	if err != nil {
		return nil, err
	}
	made.list = append(made.list, store.Referrer{Target: d, Subject: root.Digest, Tag: sign.Tag(root.Digest)})
	return made, read(ctx, from, d, made.blobs)
}

// read puts root and everything below it into blobs.
func read(ctx context.Context, from oci.Blobs, root ocispec.Descriptor, blobs oci.Memory) error {
	return oci.Walk(ctx, from, root, func(d ocispec.Descriptor) error {
		data, err := oci.ReadBlob(ctx, from, d, maxProgram)
		blobs[d.Digest] = data
		return err
	})
}

// nowhere is a repository that has nothing. It implements sign.Place.
type nowhere struct{ oci.Memory }

// ResolveTag implements sign.Place.
func (nowhere) ResolveTag(context.Context, string) (ocispec.Descriptor, error) {
	return ocispec.Descriptor{}, oci.ErrNotFound
}

// Referrers implements sign.Place.
func (nowhere) Referrers(context.Context, digest.Digest) ([]ocispec.Descriptor, error) {
	return nil, nil
}

// archive returns the tar of a layout that has the image and what refers to it, as
// "gadget-run image save" writes it.
func (r *release) archive(
	ctx context.Context, from oci.Blobs, root ocispec.Descriptor, refer *referrers,
) ([]byte, error) {
	list, err := store.FormatReferrers(refer.list)
	if err != nil {
		return nil, err
	}
	root.Annotations = map[string]string{ocispec.AnnotationRefName: imageName + ":" + r.tree.tag()}
	index, err := action.JSON(ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex,
		Manifests: []ocispec.Descriptor{root},
	})
	if err != nil {
		return nil, err
	}
	blobs := maps.Clone(refer.blobs)
	if err := read(ctx, from, root, blobs); err != nil {
		return nil, err
	}
	entries := []action.Entry{
		{Name: ocispec.ImageLayoutFile, Data: []byte(`{"imageLayoutVersion":"` + ocispec.ImageLayoutVersion + `"}`)},
		{Name: ocispec.ImageIndexFile, Data: index},
		{Name: path.Join(store.ReferrersDir, root.Digest.Encoded()+".json"), Data: list},
	}
	for d, data := range blobs {
		entries = append(entries, action.Entry{Name: path.Join(ocispec.ImageBlobsDir, "sha256", d.Encoded()), Data: data})
	}
	var tar bytes.Buffer
	err = action.WriteTar(&tar, entries)
	return tar.Bytes(), err
}
