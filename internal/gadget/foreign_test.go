package gadget_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// foreignManifest is a manifest in the form of the builder that most artifacts
// in the field come from: no media type, empty annotations, a flat btf layer,
// no names of layers. The verbs are digests and sizes.
const foreignManifest = `{"schemaVersion":2,"config":{"mediaType":"application/vnd.gadget.config.v1+yaml","digest":"%s","size":%d,` +
	`"annotations":{"io.inspektor-gadget.builder.version":"v0.55.0","org.opencontainers.image.created":"2025-11-03T10:00:00Z",` +
	`"org.opencontainers.image.description":"","org.opencontainers.image.title":"x"}},"layers":[` +
	`{"mediaType":"application/vnd.gadget.ebpf.program.v1+binary","digest":"%s","size":%d},` +
	`{"mediaType":"application/vnd.gadget.btfgen.v1+binary","digest":"%s","size":%d}],` +
	`"annotations":{"org.opencontainers.image.documentation":"","org.opencontainers.image.title":"x"},` +
	`"artifactType":"application/vnd.gadget.v1+binary"}`

// foreignIndex lists one manifest for both platforms.
const foreignIndex = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[` +
	`{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%[1]s","size":%[2]d,"platform":{"architecture":"amd64","os":"linux"}},` +
	`{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%[1]s","size":%[2]d,"platform":{"architecture":"arm64","os":"linux"}}],` +
	`"annotations":{"org.opencontainers.image.title":"x"}}`

func TestLoadOfAForeignArtifact(t *testing.T) {
	config := oci.NewBlob("", []byte("name: x\ngadgetParams: {}\ndataSources: {open: {}}\n"))
	layer, btf := oci.NewBlob("", object(t, "good")), oci.NewBlob("", []byte("flat tar"))
	manifest := oci.NewBlob("", []byte(fmt.Sprintf(foreignManifest, config.Digest, config.Size, layer.Digest, layer.Size,
		btf.Digest, btf.Size)))
	index := oci.NewBlob("", []byte(fmt.Sprintf(foreignIndex, manifest.Digest, manifest.Size)))
	blobs := oci.NewMemory(config, layer, btf, manifest, index)
	for _, a := range arch.All() {
		art, err := gadget.Load(context.Background(), blobs, index.Descriptor, a)
		if err != nil {
			t.Fatal(err)
		}
		if string(art.Metadata) != string(config.Data) || string(art.BTF) != "flat tar" ||
			len(art.Object) != len(layer.Data) {
			t.Errorf("%s: %+v", a, art)
		}
		md, problems := gadget.ParseMetadata(art.Metadata, "gadget.yaml", false)
		if err := problems.Err(); err != nil || len(problems.Warnings()) != 1 || md.DataSources["open"] == nil {
			t.Errorf("metadata: %v", problems)
		}
	}
}

func TestOtherArtifactKind(t *testing.T) {
	for name, text := range map[string]string{
		"chart": `{"schemaVersion":2,"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"sha256:` +
			zeros + `","size":2},"layers":[]}`,
		"image":    `{"schemaVersion":2,"config":{"mediaType":"application/vnd.docker.container.image.v1+json","digest":"sha256:` + zeros + `","size":2},"layers":[]}`,
		"neither":  `{"schemaVersion":2}`,
		"both":     `{"config":{},"manifests":[]}`,
		"no JSON":  `<html>`,
		"a number": `7`,
	} {
		b := oci.NewBlob("", []byte(text))
		_, err := gadget.Load(context.Background(), oci.NewMemory(b), b.Descriptor, arch.AMD64)
		wantNoGadget := name != "no JSON" && name != "a number"
		if err == nil || wantNoGadget && !isNoGadget(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
