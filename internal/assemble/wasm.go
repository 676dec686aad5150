package assemble

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
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

// WasmRequest is the input of Wasm.
type WasmRequest struct {
	Directory Directory
	// Module is the path of the module, where build.yaml names none.
	Module string
	// Go returns what builds a .go source, and is only called when there is one; nil
	// means none.
	Go func(context.Context) (GoToolchain, error)
	// Cargo returns the program that builds a .rs source, in the same way.
	Cargo func(context.Context) (string, error)
}

// GoToolchain is a Go toolchain and where it keeps things.
type GoToolchain struct {
	// Root is its directory, the one with bin/go in it.
	Root string
	// ModCache is a directory of downloaded Go modules; empty means that a module
	// with dependencies needs a vendor directory.
	ModCache string
	// Cache is a directory for Go's build cache; empty means one that is thrown
	// away. What is built does not depend on it, how long it takes does.
	Cache string
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
	if req.Module != "" {
		if b.Wasm.Named {
			return WasmResult{}, fmt.Errorf("%s:%d: wasm names %q, but attribute 'wasm' names a module as well, leave out one "+
				"of them",
				b.File, b.Wasm.Line, b.Wasm.Path)
		}
		module, err := readModule(req.Module)
		return WasmResult{Module: module}, err
	}
	source, ok, err := req.Directory.find(b, "wasm", b.Wasm)
	if err != nil || !ok {
		return WasmResult{Unused: req.Directory.unread(nil)}, err
	}
	switch path.Ext(source) {
	case ".go":
		return req.goModule(ctx, b)
	case ".rs":
		return req.rustModule(ctx, b)
	}
	module, err := readModule(source)
	if err != nil {
		return WasmResult{}, err
	}
	return WasmResult{Module: module, Unused: req.Directory.unread(map[string]bool{path.Clean(source): true})}, nil
}

// readModule returns the content of a .wasm file.
func readModule(name string) ([]byte, error) {
	module, err := action.ReadFile(name, gadget.MaxWasm)
	if err != nil {
		return nil, fmt.Errorf("reading wasm module: %w", err)
	}
	if err := gadget.CheckWasm(module); err != nil {
		return nil, fmt.Errorf("reading wasm module %q: %w", name, err)
	}
	return module, nil
}

// stage copies the files of the Go module around dir into dst, and the inputs that
// are outside of the gadget's directory, which its go.mod may name by a relative
// path. All keep their paths in the workspace. It returns the copy of the directory
// and the inputs that it copied.
func (f Directory) stage(dst, dir string) (string, map[string]bool, error) {
	files, err := f.list()
	if err != nil {
		return "", nil, err
	}
	module, read := moduleRoot(files, dir), map[string]bool{}
	take := func(to, name string) error {
		read[path.Clean(filepath.ToSlash(name))] = true
		return copySource(filepath.Join(dst, filepath.FromSlash(to)), name)
	}
	for rel, name := range files {
		if module != "." && !strings.HasPrefix(rel, module+"/") {
			continue
		}
		if err := take(path.Join(filepath.ToSlash(f.Dir), rel), name); err != nil {
			return "", nil, err
		}
	}
	for _, name := range f.Inputs {
		to := workspacePath(name)
		if _, inside := f.gadgetPath(name); inside || !filepath.IsLocal(filepath.FromSlash(to)) {
			continue
		}
		if err := take(to, name); err != nil {
			return "", nil, err
		}
	}
	return filepath.Join(dst, filepath.FromSlash(f.Dir)), read, nil
}

// copySource copies the file name to to and makes the directories that it needs.
func copySource(to, name string) error {
	data, err := action.ReadFile(name, MaxWasmSource)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
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

// removeAll removes dir even when it contains a read-only module cache.
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
