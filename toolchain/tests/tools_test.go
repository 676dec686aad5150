// Package tests holds what the test tools must do for the tests that rely on them.
package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTools runs every test tool with an empty environment: nothing but its own libraries can serve it.
func TestTools(t *testing.T) {
	tools := []struct{ variable, argument, want string }{
		{"BPFTOOL", "version", "bpftool v"},
		{"CLANG_FORMAT", "--version", "clang-format version 19.1.7"},
		{"DOCKER_REGISTRY", "--version", "github.com/docker/distribution"},
		{"QEMU", "--version", "QEMU emulator version 7.2"},
		{"SHELLCHECK", "--version", "ShellCheck"},
		{"SKOPEO", "--version", "skopeo version"},
	}
	for _, tool := range tools {
		t.Run(tool.variable, func(t *testing.T) {
			location := os.Getenv(tool.variable)
			if location == "" {
				t.Skipf("needs the tools that Bazel gives as runfiles, $%s is not set", tool.variable)
			}
			program := filepath.Join(os.Getenv("TEST_SRCDIR"), location)
			command := exec.Command(program, tool.argument)
			command.Env = []string{"PATH=/bin:/usr/bin"} // the wrapper is a shell script that calls dirname
			output, err := command.CombinedOutput()
			if err != nil || !strings.Contains(string(output), tool.want) {
				t.Errorf("%s %s = %q, %v, want %q in it", program, tool.argument, output, err, tool.want)
			}
		})
	}
}
