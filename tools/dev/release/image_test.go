package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/attest"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
)

// TestImage opens the archive of the container image as gadget-run does, which finds
// signatures of both forms and both documents.
func TestImage(t *testing.T) {
	key := newKey(t)
	files := made(t, checkout(t), key)
	name := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(name, []byte(files["gadget-run-image.tar"]), 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := artifact.ParseName("oci-archive:" + name + ":" + imageName + ":v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	src, err := artifact.OpenPath(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Release()
	if got, want := files["gadget-run-image.digest"], imageName+"@"+src.Root.Digest.String()+"\n"; got != want {
		t.Errorf("the file with the reference has %q, want %q", got, want)
	}
	found, err := sign.Find(t.Context(), src.Place, src.Root.Digest)
	if err != nil {
		t.Fatal(err)
	}
	signers, err := sign.Signers(found, src.Root.Digest, sign.Verification{
		Keys: []sign.PublicKey{key.Public}, Repository: imageName,
	})
	forms := []sign.Form{}
	for _, s := range signers {
		forms = append(forms, s.Form)
	}
	if slices.Sort(forms); err != nil || !slices.Equal(forms, []sign.Form{sign.FormBundle, sign.FormTag}) {
		t.Errorf("signatures %q, %v", forms, err)
	}
	another := sign.Verification{Keys: []sign.PublicKey{newKey(t).Public}}
	if signers, err := sign.Signers(found, src.Root.Digest, another); err == nil {
		t.Errorf("with another key: %v", signers)
	}
	refer, err := src.Place.Referrers(t.Context(), src.Root.Digest)
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, d := range refer {
		types = append(types, d.ArtifactType)
	}
	want := []string{attest.StatementMediaType, attest.SPDXMediaType, sign.BundleMediaType}
	if !slices.Equal(types, want) {
		t.Errorf("referrers are %q, want %q", types, want)
	}
	err = oci.Walk(t.Context(), src.Blobs, src.Root, func(d ocispec.Descriptor) error {
		_, err := oci.ReadBlob(t.Context(), src.Blobs, d, maxProgram)
		return err
	})
	if err != nil {
		t.Errorf("reading the image: %v", err)
	}
}
