package inspect_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
	"github.com/rules-gadget/rules_gadget/runner/inspect"
)

// machine is a user's account: its own policy, an empty store. Its messages are in
// Stderr.
func machine(t *testing.T) (g *cli.Globals, config string, messages *bytes.Buffer) {
	t.Helper()
	config, messages = t.TempDir(), &bytes.Buffer{}
	t.Setenv("XDG_CONFIG_HOME", config)
	return &cli.Globals{Ctx: t.Context(), Stdout: &bytes.Buffer{}, Stderr: messages, State: t.TempDir()}, config, messages
}

// place holds an artifact and what refers to it, as a registry does.
type place struct {
	oci.Memory
	referrers []ocispec.Descriptor
	err       error // of the list of referrers
}

// ResolveTag implements sign.Place: nothing has a tag.
func (p *place) ResolveTag(_ context.Context, tag string) (ocispec.Descriptor, error) {
	return ocispec.Descriptor{}, oci.NotFound("tag " + tag + " does not exist")
}

// Referrers implements sign.Place.
func (p *place) Referrers(context.Context, digest.Digest) ([]ocispec.Descriptor, error) {
	return p.referrers, p.err
}

// attach adds a document about the artifact.
func (p *place) attach(t *testing.T, root ocispec.Descriptor, doc registry.Document) {
	t.Helper()
	blobs, d, err := registry.ReferrerManifest(root, doc)
	if err != nil {
		t.Fatal(err)
	}
	for digest, data := range blobs {
		p.Memory[digest] = data
	}
	p.referrers = append(p.referrers, d)
}

// image is an artifact of these manifests.
func image(t *testing.T, inputs ...gadget.ManifestInput) (*artifact.Source, *place) {
	t.Helper()
	var built []gadget.Built
	var blobs []oci.Blob
	for _, in := range inputs {
		b, err := gadget.BuildManifest(in)
		if err != nil {
			t.Fatal(err)
		}
		built = append(built, b)
		blobs = append(append(blobs, b.Blobs...), oci.NewBlob(ocispec.MediaTypeImageManifest, b.Data))
	}
	idx, err := gadget.BuildIndex(built)
	if err != nil {
		t.Fatal(err)
	}
	blobs = append(blobs, oci.NewBlob(ocispec.MediaTypeImageIndex, idx.Data))
	p := &place{Memory: oci.NewMemory(blobs...)}
	return &artifact.Source{Name: "gadget", Root: idx.Descriptor, Blobs: p.Memory, Place: p, Release: func() {}}, p
}

// fixture is the artifact of an object of the fixtures, with its gadget.yaml where
// metadata is not empty.
func fixture(t *testing.T, object, metadata string) gadget.ManifestInput {
	t.Helper()
	in := gadget.ManifestInput{Arch: arch.AMD64, Object: gadgettest.File(t, object)}
	if metadata != "" {
		in.Metadata = gadgettest.File(t, metadata)
	}
	return in
}

// describe inspects an artifact. Maps with values for each processor take what they
// do on no machine, so that pages are the same on all.
func describe(t *testing.T, g *cli.Globals, src *artifact.Source) *inspect.Report {
	t.Helper()
	report, err := inspect.Describe(g, src, arch.AMD64)
	if err != nil {
		t.Fatal(err)
	}
	for i := range report.Maps {
		if strings.Contains(report.Maps[i].Type, "CPU") {
			report.Maps[i].Memory = 4096
		}
	}
	return report
}

// page is what "image inspect" shows of an artifact.
func page(t *testing.T, report *inspect.Report) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := report.Print(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
