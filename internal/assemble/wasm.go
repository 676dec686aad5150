package assemble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

// Limits on the sources of a wasm module.
const (
	// MaxWasmSources is the largest number of files that are staged.
	MaxWasmSources = 1 << 14
	// MaxWasmSource is the largest of them, in bytes.
	MaxWasmSource = 64 << 20
)

// WasmRequest is what Wasm needs to know.
type WasmRequest struct {
	Directory Directory
	// GoRoot is the Go toolchain that builds a .go source.
	GoRoot string
	// ModCache is a directory of downloaded Go modules; empty means that a module
	// with dependencies needs a vendor directory.
	ModCache string
	// GoCache is a directory for Go's build cache; empty means one that is thrown
	// away. What is built does not depend on it, how long it takes does.
	GoCache string
}

// WasmResult is the outcome of Wasm.
type WasmResult struct {
	// Module is the wasm module; empty when the gadget has none.
	Module []byte
	// Unused are the inputs that were not read, in the order of Inputs.
	Unused []string
}

// Wasm returns the wasm module that the directory's build file names: a prebuilt
// one, or one built from Go without any network.
func Wasm(ctx context.Context, req WasmRequest) (WasmResult, error) {
	b, err := req.Directory.ReadBuildFile()
	if err != nil {
		return WasmResult{}, err
	}
	source, ok, err := req.Directory.find(b, "wasm", b.Wasm)
	if err != nil || !ok {
		return WasmResult{Unused: req.Directory.unread(nil)}, err
	}
	switch path.Ext(source) {
	case ".go":
		return req.goModule(ctx, b)
	case ".rs":
		return WasmResult{}, fmt.Errorf("%s:%d: wasm names the Rust source %q, but there is no Rust toolchain; build it for wasm32-wasip1 and name the .wasm file",
			b.File, b.Wasm.Line, b.Wasm.Path)
	}
	module, err := action.ReadFile(source, gadget.MaxWasm)
	if err != nil {
		return WasmResult{}, fmt.Errorf("reading wasm module: %w", err)
	}
	if err := gadget.CheckWasm(module); err != nil {
		return WasmResult{}, fmt.Errorf("reading wasm module %q: %w", source, err)
	}
	return WasmResult{Module: module, Unused: req.Directory.unread(map[string]bool{path.Clean(source): true})}, nil
}

// goModule builds the Go source in a private copy of its module.
func (req WasmRequest) goModule(ctx context.Context, b *gadget.BuildFile) (WasmResult, error) {
	if req.GoRoot == "" {
		return WasmResult{}, fmt.Errorf("%s:%d: wasm names the Go source %q, but there is no Go toolchain, name a .wasm file or set GOROOT (with Bazel: register a toolchain of rules_go)",
			b.File, b.Wasm.Line, b.Wasm.Path)
	}
	tmp, err := os.MkdirTemp("", "gadget-wasm-")
	if err != nil {
		return WasmResult{}, fmt.Errorf("building wasm module: %w", err)
	}
	defer removeAll(tmp)
	rel := req.Directory.relative(b.Wasm.Path)
	read, err := req.Directory.stage(filepath.Join(tmp, "src"), path.Dir(rel))
	if err != nil {
		return WasmResult{}, fmt.Errorf("copying Go sources: %w", err)
	}
	module, err := req.goBuild(ctx, tmp, rel)
	if err != nil {
		return WasmResult{}, err
	}
	return WasmResult{Module: module, Unused: req.Directory.unread(read)}, nil
}

// goBuild runs the Go toolchain on tmp/src/rel.
func (req WasmRequest) goBuild(ctx context.Context, tmp, rel string) ([]byte, error) {
	root, err := filepath.Abs(req.GoRoot)
	if err != nil {
		return nil, fmt.Errorf("building wasm module: %w", err)
	}
	out := filepath.Join(tmp, gadget.WasmFile)
	cmd := exec.CommandContext(ctx, filepath.Join(root, "bin", "go"), "build",
		"-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=",
		"-o", out, path.Base(rel))
	cmd.Dir = filepath.Join(tmp, "src", filepath.FromSlash(path.Dir(rel)))
	cmd.Env = req.goEnv(root, tmp)
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%sbuilding wasm module from %q: %w", text.String(), rel, err)
	}
	module, err := action.ReadFile(out, gadget.MaxWasm)
	if err != nil {
		return nil, fmt.Errorf("reading wasm module: %w", err)
	}
	if err := gadget.CheckWasm(module); err != nil {
		return nil, fmt.Errorf("checking wasm module built from %q: %w", rel, err)
	}
	return module, nil
}

// goEnv is the whole environment of the Go toolchain: nothing of the host.
func (req WasmRequest) goEnv(root, tmp string) []string {
	modules, cache := req.ModCache, req.GoCache
	if modules == "" {
		modules = filepath.Join(tmp, "mod")
	}
	if cache == "" {
		cache = filepath.Join(tmp, "cache")
	}
	return []string{
		"GOROOT=" + root,
		"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0",
		"GOPROXY=off", "GOSUMDB=off", "GOTOOLCHAIN=local", "GOENV=off", "GOWORK=off", "GOTELEMETRY=off",
		"GOFLAGS=", "GOEXPERIMENT=",
		"GOCACHE=" + cache, "GOPATH=" + filepath.Join(tmp, "path"), "GOMODCACHE=" + modules,
		"HOME=" + tmp, "TMPDIR=" + tmp, "PATH=",
		// A sandbox shows the standard library's embedded files as links.
		"GODEBUG=embedfollowsymlinks=1",
	}
}

// stage copies the files of the Go module around dir into dst, under their
// paths in the gadget's directory, and returns the inputs that it copied.
func (f Directory) stage(dst, dir string) (map[string]bool, error) {
	files, err := f.list()
	if err != nil {
		return nil, err
	}
	root := moduleRoot(files, dir)
	read := map[string]bool{}
	for rel, name := range files {
		if root != "." && !strings.HasPrefix(rel, root+"/") {
			continue
		}
		data, err := action.ReadFile(name, MaxWasmSource)
		if err != nil {
			return nil, err
		}
		to := filepath.Join(dst, filepath.FromSlash(rel))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			return nil, err
		}
		read[path.Clean(filepath.ToSlash(name))] = true
	}
	return read, nil
}

// moduleRoot returns the nearest directory at or above dir that has a go.mod, dir
// itself when none has.
func moduleRoot(files map[string]string, dir string) string {
	for d := dir; ; d = path.Dir(d) {
		if _, ok := files[path.Join(d, "go.mod")]; ok {
			return d
		}
		if d == "." {
			return dir
		}
	}
}

// list returns all files of the directory, by their path in it.
func (f Directory) list() (map[string]string, error) {
	out := map[string]string{}
	if f.Inputs != nil {
		for _, input := range f.Inputs {
			if rel, ok := f.gadgetPath(input); ok {
				out[rel] = input
			}
		}
		return out, nil
	}
	err := filepath.WalkDir(f.Dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		if len(out) == MaxWasmSources {
			return fmt.Errorf("more than %d files in %q", MaxWasmSources, f.Dir)
		}
		rel, err := filepath.Rel(f.Dir, name)
		out[filepath.ToSlash(rel)] = name
		return err
	})
	return out, err
}

// removeAll removes dir even when a read-only module cache lies in it.
func removeAll(dir string) error {
	err := os.RemoveAll(dir)
	if err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	_ = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			return os.Chmod(name, 0o755)
		}
		return err
	})
	return os.RemoveAll(dir)
}
