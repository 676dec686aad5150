package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/attest"
)

// maxProgram is the size of a program that is read, in bytes.
const maxProgram = 256 << 20

// program is one that a release has for each architecture.
type program struct {
	name   string
	pkg    string // Go package
	target string // Bazel's, in the package
	tool   bool   // Whether the rules run it: the lock file of tools has it.
}

// file is the name of the program for an architecture.
func (p program) file(arch string) string { return p.name + "-linux-" + arch }

// label is the target of the program.
func (p program) label() string { return "//" + p.pkg + ":" + p.target }

var (
	programs = []program{
		{name: "gadget-run", pkg: "runner", target: "gadget-run", tool: true},
		{name: "gadget-btfgen", pkg: "tools/gadget-btfgen", target: "gadget-btfgen"},
		{name: "gadget-tools", pkg: "tools/gadget-tools", target: "gadget-tools", tool: true},
		{name: "gadget-push", pkg: "tools/push", target: "push", tool: true},
	}
	archs = []string{"amd64", "arm64"}
)

// builder makes programs from a tree.
type builder interface {
	// build returns the bytes of each program for an architecture.
	build(ctx context.Context, t tree, arch string) ([][]byte, error)
	// image builds the container image for all architectures.
	image(ctx context.Context, t tree) (image, error)
	// materials returns what goes into a program in addition to the tree.
	materials(ctx context.Context, t tree, p program, arch string) ([]attest.Material, error)
}

// bazel builds with Bazel and lists the modules with the go command.
type bazel struct {
	command []string
	log     io.Writer
}

func (b bazel) build(ctx context.Context, t tree, arch string) ([][]byte, error) {
	args := append(slices.Clone(b.command[1:]), "build", "--config=release", "--platforms=//platforms:linux_"+arch)
	for _, p := range programs {
		args = append(args, p.label())
	}
	cmd := exec.CommandContext(ctx, b.command[0], args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.dir, b.log, b.log
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("building for %s with %s, see above: %w", arch, b.command[0], err)
	}
	var all [][]byte
	for _, p := range programs {
		data, err := action.ReadFile(t.path(filepath.Join("bazel-bin", p.pkg, p.target+"_", p.target)), maxProgram)
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// module is a Go module as "go list" prints it.
type module struct {
	Path, Version, Sum string
	Main               bool
	Replace            *module
}

func (b bazel) materials(ctx context.Context, t tree, p program, arch string) ([]attest.Material, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-json=Module", "./"+p.pkg)
	cmd.Dir = t.dir
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly")
	cmd.Stderr = b.log
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("listing the modules of %s: %w", p.name, err)
	}
	sums, err := action.ReadFile(t.path("go.sum"), maxText)
	if err != nil {
		return nil, err
	}
	all, err := modules(out, sums)
	if err != nil {
		return nil, fmt.Errorf("listing the modules of %s: %w", p.name, err)
	}
	compiler, err := goCompiler(ctx, t.dir)
	return append(all, compiler), err
}

// modules reads the packages that "go list" prints and returns their modules
// once each, with the hash of go.sum.
func modules(packages, sums []byte) ([]attest.Material, error) {
	hashes := attest.ParseSums(sums)
	var all []attest.Material
	seen := map[string]bool{}
	for dec := json.NewDecoder(bytes.NewReader(packages)); ; {
		var found struct{ Module *module }
		if err := dec.Decode(&found); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		m := found.Module
		if m == nil || m.Main || seen[m.Path] {
			continue
		}
		seen[m.Path] = true
		if m.Replace != nil {
			m = m.Replace
		}
		material, err := hashes.Module(m.Path, m.Version)
		if err != nil {
			return nil, err
		}
		all = append(all, material)
	}
}

// goCompiler is the Go that compiles, known by its go command.
func goCompiler(ctx context.Context, dir string) (attest.Material, error) {
	cmd := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOROOT")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return attest.Material{}, fmt.Errorf("running go env: %w", err)
	}
	version, root, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	data, err := action.ReadFile(filepath.Join(root, "bin", "go"), maxProgram)
	return attest.Material{Kind: attest.Compiler, Name: "go", Version: version, Digest: digest.FromBytes(data)}, err
}
