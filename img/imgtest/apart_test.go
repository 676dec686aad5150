package imgtest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestApart: nothing that Bazel or the module above reads names what this
// module depends on, so a module that depends on the rules fetches none of it.
func TestApart(t *testing.T) {
	root := filepath.Join("..", "..")
	for _, name := range []string{
		"MODULE.bazel", "go.mod", "go.sum", "rules/repositories.bzl",
		"toolchain/extensions.bzl",
	} {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{
			"moby/buildkit", "moby_buildkit", "containerd/containerd/v2", "containerd_v2",
			"rules_gadget/img", "//img",
		} {
			if strings.Contains(string(data), word) {
				t.Errorf("%s names %s", name, word)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(root, "go.work")); err == nil {
		t.Error("a go.work ties the modules together")
	}
}
