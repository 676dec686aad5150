package inspect_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/attest"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/runner/inspect"
)

// statement is a document of provenance about the artifact of a digest.
func statement(about, predicate string) []byte {
	return fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],
		"predicateType":%q,"predicate":{"buildDefinition":{"resolvedDependencies":[{},{},{}]},
		"runDetails":{"builder":{"id":"https://builder.example"}}}}`, about, predicate)
}

// TestDocuments lists what refers to an artifact, each with its summary.
func TestDocuments(t *testing.T) {
	for name, tc := range map[string]struct {
		mediaType string
		data      func(root ocispec.Descriptor) []byte
		want      string
	}{
		"provenance": {attest.StatementMediaType, func(root ocispec.Descriptor) []byte {
			return statement(root.Digest.Encoded(), attest.ProvenancePredicate)
		}, "provenance: built by https://builder.example from 3 inputs"},
		"another statement": {attest.StatementMediaType, func(root ocispec.Descriptor) []byte {
			return statement(root.Digest.Encoded(), "https://example.org/tested")
		}, "https://example.org/tested"},
		"about another artifact": {attest.StatementMediaType, func(ocispec.Descriptor) []byte {
			return statement(strings.Repeat("0", 64), attest.ProvenancePredicate)
		}, "about another artifact"},
		"SBOM": {attest.SPDXMediaType, func(ocispec.Descriptor) []byte {
			return []byte(`{"spdxVersion":"SPDX-2.3","packages":[{},{}],"files":[{}]}`)
		}, "SBOM (SPDX-2.3): 2 packages, 1 files"},
		"damaged SBOM":      {attest.SPDXMediaType, func(ocispec.Descriptor) []byte { return []byte("<html>") }, "damaged"},
		"damaged statement": {attest.StatementMediaType, func(ocispec.Descriptor) []byte { return nil }, "damaged"},
		"unknown":           {"text/plain", func(ocispec.Descriptor) []byte { return []byte("anything") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g, _, _ := machine(t)
			src, p := image(t, fixture(t, "open.bpf.o", ""))
			p.attach(t, src.Root, registry.Document{MediaType: tc.mediaType, Data: tc.data(src.Root)})
			report := describe(t, g, src)
			want := inspect.Document{Type: tc.mediaType, Digest: p.referrers[0].Digest.String(), Summary: tc.want}
			if got := report.Trust.Documents; len(got) != 1 || got[0] != want {
				t.Fatalf("documents %+v, want %+v", got, want)
			}
			out := string(page(t, report))
			line := strings.TrimPrefix(tc.mediaType, "application/") + "   " + want.Digest[:19]
			if !strings.Contains(out, "\nDocuments:\n") || !strings.Contains(out, line) || !strings.Contains(out, tc.want) {
				t.Errorf("no line with %q and %q in\n%s", line, tc.want, out)
			}
		})
	}
}

// TestDocumentOfBundle is of the type that cosign writes next to it, and is not read.
func TestDocumentOfBundle(t *testing.T) {
	g, _, _ := machine(t)
	src, p := image(t, fixture(t, "open.bpf.o", ""))
	p.attach(t, src.Root, registry.Document{
		MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", Data: []byte("{}"),
		Annotations: map[string]string{"dev.sigstore.bundle.predicateType": "https://spdx.dev/Document"},
	})
	report := describe(t, g, src)
	if got := report.Trust.Documents; len(got) != 1 || got[0].Type != "https://spdx.dev/Document" || got[0].Summary != "" {
		t.Errorf("documents %+v", got)
	}
}

// TestTooManyDocuments shows the first, and notes that more exist.
func TestTooManyDocuments(t *testing.T) {
	g, _, messages := machine(t)
	src, p := image(t, fixture(t, "open.bpf.o", ""))
	for i := range 70 {
		p.attach(t, src.Root, registry.Document{MediaType: "text/plain", Data: fmt.Append(nil, i)})
	}
	report := describe(t, g, src)
	const want = "gadget-run: more than 64 documents refer to it, the others are not shown\n"
	if n := len(report.Trust.Documents); n != 64 || messages.String() != want {
		t.Errorf("%d documents and the message %q, want 64 and %q", n, messages, want)
	}
}

// TestDocumentsThatCannotBeRead end with what was looked for.
func TestDocumentsThatCannotBeRead(t *testing.T) {
	g, _, _ := machine(t)
	src, p := image(t, fixture(t, "open.bpf.o", ""))
	p.attach(t, src.Root, registry.Document{MediaType: attest.SPDXMediaType, Data: []byte("{}")})
	delete(p.Memory, p.referrers[0].Digest)
	_, err := inspect.Describe(g, src, arch.AMD64)
	if err == nil || !strings.Contains(err.Error(), p.referrers[0].Digest.String()) {
		t.Errorf("a document that is gone: got %v", err)
	}
	p.err = errors.New("the registry is away")
	if _, err := inspect.Describe(g, src, arch.AMD64); !errors.Is(err, p.err) {
		t.Errorf("no list of documents: got %v", err)
	}
}

// signer makes signatures, and is trusted by the policy of config when that lists it.
func signer(t *testing.T, config, name string, trusted bool) *sign.PrivateKey {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := sign.NewPrivateKey(private)
	if err != nil || !trusted {
		return key
	}
	verifier, err := sign.NewPublicKey(name, public)
	if err != nil {
		t.Fatal(err)
	}
	text, err := verifier.PEM()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(config, "gadget-run")
	policy := fmt.Sprintf("version: 1\nkeys:\n  %s:\n    file: key.pem\ndefault:\n  keys: [%s]\n", name, name)
	for file, data := range map[string]string{"key.pem": string(text), "policy.yaml": policy} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return key
}

// TestSigners names who signed by the policy: no signature, one of an unknown key, one
// of a key that the user trusts. Signatures are not listed as documents.
func TestSigners(t *testing.T) {
	for name, tc := range map[string]struct {
		signed, trusted bool
		want            string
	}{
		"unsigned": {false, true, "Signed by:    no signature is known\n"},
		"unknown":  {true, false, "Signed by:    none that the policy trusts (signatures: 1)\n"},
		"trusted":  {true, true, "Signed by:    acme ("},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Lstat(sign.SystemPolicy); err == nil {
				t.Skipf("needs a machine without %s", sign.SystemPolicy)
			}
			g, config, messages := machine(t)
			src, p := image(t, fixture(t, "open.bpf.o", ""))
			key := signer(t, config, "acme", tc.trusted)
			if tc.signed {
				s, err := sign.New(sign.FormBundle, src.Root.Digest, "registry.example/acme/open", nil, key)
				if err != nil {
					t.Fatal(err)
				}
				p.attach(t, src.Root, registry.Document{
					ArtifactType: sign.BundleMediaType, MediaType: sign.BundleMediaType, Data: s.Data,
					Annotations: sign.BundleAnnotations(),
				})
			}
			report := describe(t, g, src)
			if out := string(page(t, report)); !strings.Contains(out, tc.want) || strings.Contains(out, "Documents:") {
				t.Errorf("no %q, or documents, in\n%s", tc.want, out)
			}
			if messages.Len() > 0 {
				t.Errorf("messages: %s", messages)
			}
		})
	}
}

// TestDamagedPolicy causes a warning; the report has the signatures, but no signers.
func TestDamagedPolicy(t *testing.T) {
	if _, err := os.Lstat(sign.SystemPolicy); err == nil {
		t.Skipf("needs a machine without %s", sign.SystemPolicy)
	}
	g, config, messages := machine(t)
	signer(t, config, "acme", true)
	file := filepath.Join(config, "gadget-run", "policy.yaml")
	if err := os.WriteFile(file, []byte("version: 9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	src, _ := image(t, fixture(t, "open.bpf.o", ""))
	report := describe(t, g, src)
	if !strings.Contains(messages.String(), "version is 9, only version 1 is known") || len(report.Trust.Signers) != 0 {
		t.Errorf("signers %v, and the message %q", report.Trust.Signers, messages)
	}
}

// TestSignaturesOfStoredArtifact counts those that came with it and those that were
// verified before, each once.
func TestSignaturesOfStoredArtifact(t *testing.T) {
	g, config, _ := machine(t)
	src, p := image(t, fixture(t, "open.bpf.o", ""))
	key := signer(t, config, "acme", false)
	var made []sign.Signature
	for _, form := range []sign.Form{sign.FormBundle, sign.FormTag} {
		s, err := sign.New(form, src.Root.Digest, "registry.example/acme/open", nil, key)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, s)
	}
	p.attach(t, src.Root, registry.Document{
		ArtifactType: sign.BundleMediaType, MediaType: sign.BundleMediaType, Data: made[0].Data,
		Annotations: sign.BundleAnnotations(),
	})
	record, err := json.Marshal(sign.Record{Signatures: made})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(g.State, "verified", "sha256-"+src.Root.Digest.Encoded()+".json")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, record, 0o600); err != nil {
		t.Fatal(err)
	}
	if n := describe(t, g, src).Trust.Signatures; n != 2 {
		t.Errorf("%d signatures of an artifact that is here, want 2", n)
	}
	src.Remote = true
	if n := describe(t, g, src).Trust.Signatures; n != 1 {
		t.Errorf("%d signatures at the registry, want 1", n)
	}
}
