package imagecmd

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/assemble"
	"github.com/rules-gadget/rules_gadget/internal/lazyregexp"
	"github.com/rules-gadget/rules_gadget/internal/toolchain"
)

// goToolchain finds what builds wasm programs in Go.
func (b *Build) goToolchain() toolchain.Go {
	return toolchain.Go{Path: b.Go, Cache: filepath.Join(b.Cache, "go-build"), Getenv: os.Getenv}
}

// wasmSource returns the path of the source that build.yaml names for the wasm
// program, and its extension.
func (b *Build) wasmSource(req assemble.ImageRequest) (source, ext string) {
	file, err := req.Directory.ReadBuildFile()
	if err != nil || file.Wasm.Path == "" {
		return "", ""
	}
	base := b.Path
	if b.File != "" {
		base = filepath.Dir(b.File)
	}
	return filepath.Join(base, filepath.FromSlash(file.Wasm.Path)), path.Ext(file.Wasm.Path)
}

// wasmIdentity says which Go toolchain would build the wasm program.
func (b *Build) wasmIdentity(ctx context.Context, req assemble.ImageRequest) string {
	if _, ext := b.wasmSource(req); ext == ".go" {
		return " go " + b.goToolchain().Identity(ctx)
	}
	return ""
}

// replacement is a directory in place of a module, in a line of a go.mod.
var replacement = lazyregexp.New(`=>\s*(\.\.?/\S*|/\S+)`)

// dependsOnOthers reports whether the wasm program is made of files that lie
// outside of the gadget's directory, so that an earlier result says nothing:
// modules that go.mod replaces by directories, and packages of Rust.
func (b *Build) dependsOnOthers(req assemble.ImageRequest) bool {
	source, ext := b.wasmSource(req)
	if ext != ".go" {
		return ext == ".rs"
	}
	dir, data := nearestFile(filepath.Dir(source), "go.mod")
	for line := range strings.Lines(string(data)) {
		m := replacement.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		rel, err := filepath.Rel(b.Path, filepath.Join(dir, filepath.FromSlash(m[1])))
		if err != nil || !filepath.IsLocal(rel) || filepath.IsAbs(m[1]) {
			return true
		}
	}
	return false
}

// nearestFile returns the content of the file called name at or above dir, and
// the directory that it is in; nil if none exists.
func nearestFile(dir, name string) (string, []byte) {
	for {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			return dir, data
		}
		parent := filepath.Dir(dir)
		if parent == dir || dir == "." {
			return "", nil
		}
		dir = parent
	}
}
