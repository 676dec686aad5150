// Command imgrun is //img: it builds img, which is a Go module of its own, with
// the go command and runs it in the directory that "bazel run" was called from.
// So neither this workspace nor one that depends on it resolves BuildKit in Bazel.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

func main() {
	if err := run(os.Getenv, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "img:", err)
		os.Exit(1)
	}
}

func run(getenv func(string) string, args []string) error {
	workspace := getenv("BUILD_WORKSPACE_DIRECTORY")
	if workspace == "" {
		return errors.New("starting img: BUILD_WORKSPACE_DIRECTORY is not set, start it with \"bazel run //img -- COMMAND\"")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return fmt.Errorf("starting img: %w", err)
	}
	program := filepath.Join(cache, "rules_gadget", "bin", "img")
	build := exec.Command("go", "-C", filepath.Join(workspace, "img"), "build", "-trimpath", "-o", program, ".")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building img with the go command, which must be in PATH: %w", err)
	}
	if dir := getenv("BUILD_WORKING_DIRECTORY"); dir != "" {
		if err := os.Chdir(dir); err != nil {
			return fmt.Errorf("starting img: %w", err)
		}
	}
	return syscall.Exec(program, append([]string{"img"}, args...), os.Environ())
}
