package artifact_test

import (
	"errors"
	"os"
	"testing"

	"github.com/rules-gadget/rules_gadget/runner/artifact"
)

// TestExplain names the file or the registry that may have been meant.
func TestExplain(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("sources", 0o700); err != nil {
		t.Fatal(err)
	}
	failure := errors.New("not found")
	for text, want := range map[string]string{
		"trace_open":              "not found",
		"localhost:5000/g:v1":     "not found",
		"localhost/g":             "not found",
		"registry.example/g":      "not found",
		"docker://bazel-bin/x":    "not found",
		"./bazel-bin/x/image.oci": "not found",
		"sources":                 `not found; "sources" was taken for a name in the registry docker.io, write "./sources" for a file`,
		"bazel-bin/x/image.oci": `not found; "bazel-bin/x/image.oci" was taken for a name in the registry docker.io, write ` +
			`"./bazel-bin/x/image.oci" for a file`,
		"registry.example": `not found; "registry.example" was taken for a repository of the registry docker.io, write ` +
			`"./registry.example" for a file or "registry.example/NAME" for the registry registry.example`,
	} {
		name, err := artifact.ParseName(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := name.Explain(failure); got.Error() != want || !errors.Is(got, failure) {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
		if err := name.Explain(nil); err != nil {
			t.Errorf("%s: without an error: %v", text, err)
		}
	}
}
