package imagecmd_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/attest"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// TestInspectDocuments attaches documents as a push does, and some with false claims.
func TestInspectDocuments(t *testing.T) {
	srv := registrytest.Start(t, registrytest.Config{})
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	text := srv.Addr + "/documents/g:v1"
	call := func(args ...string) string {
		t.Helper()
		var out bytes.Buffer
		args = append([]string{"--state", filepath.Join(t.TempDir(), "state"), "-q"}, args...)
		if err := run(args, strings.NewReader(""), &out, &out); err != nil {
			t.Fatalf("%v: %s", err, &out)
		}
		return out.String()
	}
	layout := gadgettest.Layout(t, "testdata/open.bpf.o", "testdata/open.yaml", arch.AMD64, arch.ARM64)
	state := t.TempDir()
	for _, args := range [][]string{{"image", "load", "--tag", text, layout}, {"image", "push", text}} {
		if err := run(append([]string{"--state", state, "-q"}, args...), strings.NewReader(""), &bytes.Buffer{},
			&bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
	}
	if out := call("image", "inspect", "--remote", text); strings.Contains(out, "Documents:") {
		t.Errorf("there are documents before any was attached:\n%s", out)
	}

	client, err := registry.New(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ref, err := registry.ParseReference(text, registry.Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	root, err := client.Resolve(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	provenance := func(about string) string {
		return fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],"predicateType":%q,
			"predicate":{"buildDefinition":{"resolvedDependencies":[{},{},{}]},"runDetails":{"builder":{"id":"https://builder.example"}}}}`, about, attest.ProvenancePredicate)
	}
	for _, doc := range []registry.Document{
		{MediaType: attest.StatementMediaType, Data: []byte(provenance(root.Digest.Encoded()))},
		{MediaType: attest.StatementMediaType, Data: []byte(provenance(strings.Repeat("0", 64)))},
		{MediaType: attest.SPDXMediaType, Data: []byte(`{"spdxVersion":"SPDX-2.3","packages":[{},{}],"files":[{}]}`)},
		{MediaType: attest.SPDXMediaType, Data: []byte("<html>")},
		{MediaType: "text/plain", Data: []byte("anything")},
		{MediaType: sign.BundleMediaType, Data: []byte("{}"), Annotations: sign.BundleAnnotations()},
	} {
		if _, err := client.Attach(t.Context(), ref, root, doc); err != nil {
			t.Fatal(err)
		}
	}
	out := call("image", "inspect", "--remote", text)
	for _, want := range []string{
		"Documents:", "provenance: built by https://builder.example from 3 inputs", "about another artifact",
		"SBOM (SPDX-2.3): 2 packages, 1 files", "damaged", "text/plain",
		"Signed by:    none that the policy trusts (signatures: 1)",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if _, documents, _ := strings.Cut(out, "Documents:"); strings.Contains(documents, "sigstore") {
		t.Errorf("a signature is listed as a document:\n%s", out)
	}
}
