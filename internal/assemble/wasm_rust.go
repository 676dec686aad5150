package assemble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

// rustTarget is what Rust calls wasm with WASI.
const rustTarget = "wasm32-wasip1"

// rustModule builds the package of the Rust source with cargo, where it is.
func (req WasmRequest) rustModule(ctx context.Context, b *gadget.BuildFile) (WasmResult, error) {
	named := fmt.Sprintf("%s:%d: wasm names the Rust source %q", b.File, b.Wasm.Line, b.Wasm.Path)
	if req.Cargo == nil || req.Directory.Inputs != nil {
		return WasmResult{}, fmt.Errorf("%s, which is not built here; build it for %s and name the .wasm file", named,
			rustTarget)
	}
	cargo, err := req.Cargo(ctx)
	if err != nil {
		return WasmResult{}, fmt.Errorf("%s: %w", named, err)
	}
	dir, err := req.Directory.rustPackage(path.Dir(req.Directory.relative(b.Wasm.Path)))
	if err != nil {
		return WasmResult{}, fmt.Errorf("%s, %w", named, err)
	}
	module, err := cargoBuild(ctx, cargo, dir)
	if err != nil {
		return WasmResult{}, fmt.Errorf("building wasm module from %q: %w", b.Wasm.Path, err)
	}
	return WasmResult{Module: module, Unused: req.Directory.unread(nil)}, nil
}

// rustPackage returns the nearest directory at or above dir that has a Cargo.toml.
func (f Directory) rustPackage(dir string) (string, error) {
	for {
		candidate := filepath.Join(f.Dir, filepath.FromSlash(dir))
		if _, err := os.Stat(filepath.Join(candidate, "Cargo.toml")); err == nil {
			return candidate, nil
		}
		if dir == "." {
			return "", errors.New("but neither its directory nor one above has a Cargo.toml")
		}
		dir = path.Dir(dir)
	}
}

// cargoBuild builds the package in dir and returns its module.
func cargoBuild(ctx context.Context, cargo, dir string) ([]byte, error) {
	tmp, err := os.MkdirTemp("", "gadget-wasm-")
	if err != nil {
		return nil, err
	}
	defer removeAll(tmp)
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, cargo, "build", "--release", "--offline", "--target", rustTarget, "--target-dir", tmp)
	cmd.Dir = dir
	// Paths of this machine are not to be part of the result.
	cmd.Env = append(os.Environ(), "CARGO_TERM_COLOR=never", "RUSTFLAGS=--remap-path-prefix="+abs+"=/ -C strip=symbols")
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := cmd.Run(); err != nil {
		return nil, explainCargo(err, text.String(), dir)
	}
	found, err := filepath.Glob(filepath.Join(tmp, rustTarget, "release", "*.wasm"))
	if err != nil || len(found) != 1 {
		return nil, errors.Join(err, fmt.Errorf("the package makes %d wasm modules, want one: crate-type = [\"cdylib\"]",
			len(found)))
	}
	module, err := action.ReadFile(found[0], gadget.MaxWasm)
	if err != nil {
		return nil, err
	}
	return module, gadget.CheckWasm(module)
}

// explainCargo says in one sentence what cargo lacked, where that is known, and
// else what it said.
func explainCargo(err error, text, dir string) error {
	text = strings.TrimSpace(text)
	switch {
	case strings.Contains(text, "target may not be installed"):
		return fmt.Errorf("the Rust toolchain lacks the target %s, add it with \"rustup target add %s\"", rustTarget,
			rustTarget)
	case strings.Contains(text, "--offline"):
		return fmt.Errorf("it needs packages that are not here, run \"cargo fetch\" in %q:\n%s", dir, text)
	}
	return fmt.Errorf("%w:\n%s", err, text)
}
