package assemble

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

// goModule builds the Go source: in a private copy of its module where only some
// files are the gadget's, else where it is, since its go.mod may name others.
func (req WasmRequest) goModule(ctx context.Context, b *gadget.BuildFile) (WasmResult, error) {
	named := fmt.Sprintf("%s:%d: wasm names the Go source %q", b.File, b.Wasm.Line, b.Wasm.Path)
	if req.Go == nil {
		return WasmResult{}, fmt.Errorf("%s, but a Go toolchain is missing", named)
	}
	tc, err := req.Go(ctx)
	if err != nil {
		return WasmResult{}, fmt.Errorf("%s: %w", named, err)
	}
	tmp, err := os.MkdirTemp("", "gadget-wasm-")
	if err != nil {
		return WasmResult{}, fmt.Errorf("building wasm module: %w", err)
	}
	defer removeAll(tmp)
	rel := req.Directory.relative(b.Wasm.Path)
	root, read := req.Directory.Dir, map[string]bool(nil)
	if req.Directory.Inputs != nil {
		if root, read, err = req.Directory.stage(filepath.Join(tmp, "src"), path.Dir(rel)); err != nil {
			return WasmResult{}, fmt.Errorf("copying Go sources: %w", err)
		}
	}
	module, err := tc.build(ctx, tmp, filepath.Join(root, filepath.FromSlash(rel)))
	if err != nil {
		return WasmResult{}, fmt.Errorf("building wasm module from %q: %w", rel, err)
	}
	return WasmResult{Module: module, Unused: req.Directory.unread(read)}, nil
}

// build builds the Go file source, with tmp for what does not stay.
func (tc GoToolchain) build(ctx context.Context, tmp, source string) ([]byte, error) {
	root, err := filepath.Abs(tc.Root)
	if err != nil {
		return nil, err
	}
	out := filepath.Join(tmp, gadget.WasmFile)
	cmd := exec.CommandContext(ctx, filepath.Join(root, "bin", "go"), "build",
		"-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=",
		"-o", out, filepath.Base(source))
	cmd.Dir = filepath.Dir(source)
	cmd.Env = tc.env(root, tmp)
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := cmd.Run(); err != nil {
		if needsModules(text.String()) {
			return nil, fmt.Errorf("it needs modules that are not here, run \"go mod download\" or \"go mod vendor\" in %q:\n%s",
				cmd.Dir, strings.TrimSpace(text.String()))
		}
		return nil, fmt.Errorf("%w:\n%s", err, strings.TrimSpace(text.String()))
	}
	module, err := action.ReadFile(out, gadget.MaxWasm)
	if err != nil {
		return nil, err
	}
	return module, gadget.CheckWasm(module)
}

// needsModules reports whether the Go toolchain refused to build because of a
// module that it could not fetch.
func needsModules(text string) bool {
	return strings.Contains(text, "module lookup disabled by GOPROXY=off") ||
		strings.Contains(text, "missing go.sum entry") ||
		strings.Contains(text, "no required module provides package")
}

// env is the whole environment of the Go toolchain: nothing of the host.
func (tc GoToolchain) env(root, tmp string) []string {
	modules, cache := tc.ModCache, tc.Cache
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
