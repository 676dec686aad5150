package registrytest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The environment variables that name the programs which tests use, as a path
// or, under Bazel, as a path in the runfiles. Without them PATH is searched.
const (
	RegistryEnv = "DOCKER_REGISTRY"
	SkopeoEnv   = "SKOPEO"
)

// Program returns the path of a program. The test is skipped where there is
// none.
func Program(tb testing.TB, env, name string) string {
	tb.Helper()
	path := os.Getenv(env)
	if path == "" {
		found, err := exec.LookPath(name)
		if err != nil {
			tb.Skipf("needs %s in PATH or its path in %s", name, env)
		}
		return found
	}
	if runfiles := os.Getenv("TEST_SRCDIR"); runfiles != "" && !filepath.IsAbs(path) {
		path = filepath.Join(runfiles, path)
	}
	return path
}
