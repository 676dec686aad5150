package consumer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCentralRegistry resolves modules with only the files of a copy of the Bazel
// Central Registry: with the versions that our MODULE.bazel requests, and with the newest
// that the copy has.
func TestCentralRegistry(t *testing.T) {
	dir := os.Getenv("BAZEL_CENTRAL_REGISTRY")
	if dir == "" {
		t.Skip("needs a copy of the Bazel Central Registry, name it with BAZEL_CENTRAL_REGISTRY")
	}
	registry := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer registry.Close()
	w := newWorkspace(t, "registry", nil)
	w.env = append(w.env, "BAZELW_REGISTRY=bcr")
	resolve := func(dependencies string) (string, error) {
		w.write(t, "MODULE.bazel", fmt.Sprintf(registryModule, w.checkout, dependencies))
		return w.try("mod", "dump_repo_mapping", "", "--registry="+registry.URL, "--lockfile_mode=off")
	}
	if out, err := resolve(""); err != nil {
		t.Errorf("with the versions of MODULE.bazel: %v\n%s", err, out)
	}
	var newest strings.Builder
	for _, name := range []string{"bazel_skylib", "gazelle", "platforms", "rules_go"} {
		version := newestVersion(t, dir, name)
		t.Logf("the newest %s is %s", name, version)
		fmt.Fprintf(&newest, "\nbazel_dep(name = %q, version = %q)\n", name, version)
	}
	if out, err := resolve(newest.String()); err != nil {
		t.Errorf("with the newest versions: %v\n%s", err, out)
	}
	out, err := resolve("\nbazel_dep(name = \"rules_go\", version = \"999.0\")\n")
	if want := "module rules_go@999.0 not found in registries"; err == nil || !strings.Contains(out, want) {
		t.Errorf("with a version that is not there: %v, want %q:\n%s", err, want, out)
	}
}

// registryModule takes the checkout's path and further dependencies.
const registryModule = `module(name = "consumer")

bazel_dep(name = "rules_gadget", version = "0.1.0")

local_path_override(
    module_name = "rules_gadget",
    path = %q,
)
%s`

// newestVersion is the last version of a module that the registry lists.
func newestVersion(t *testing.T, registry, module string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(registry, "modules", module, "metadata.json"))
	if err != nil {
		t.Fatal(err)
	}
	var metadata struct{ Versions []string }
	if err := json.Unmarshal(data, &metadata); err != nil {
		t.Fatalf("reading metadata.json of %s: %v", module, err)
	}
	if len(metadata.Versions) == 0 {
		t.Fatalf("the registry lists no version of %s", module)
	}
	return metadata.Versions[len(metadata.Versions)-1]
}
