package imagecmd

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
	"github.com/rules-gadget/rules_gadget/internal/pinned"
	"github.com/rules-gadget/rules_gadget/internal/toolchain"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// goToolchain finds what builds wasm programs in Go.
func (b *Build) goToolchain(g *cli.Globals) toolchain.Go {
	out := toolchain.Go{Path: b.Go, Cache: filepath.Join(b.Cache, "go-build"), Getenv: os.Getenv}
	out.Pinned = func(ctx context.Context) (string, error) {
		proxies, err := toolchain.Proxies(os.Getenv)
		tools := toolchain.Pinned{Cache: b.Cache, Host: arch.Host()}
		if tools.Fetch = fetcher(g, proxies); err != nil { // it may be there already
			tools.Fetch = func(context.Context, pinned.Package) ([]byte, error) { return nil, err }
		}
		return tools.Go(ctx)
	}
	if pkg, err := toolchain.GoPackage(arch.Host()); err == nil {
		out.PinnedIdentity = "pinned " + pkg.SHA256
	}
	return out
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

// wasmIdentity identifies which Go toolchain would build the wasm program.
func (b *Build) wasmIdentity(g *cli.Globals, req assemble.ImageRequest) string {
	if _, ext := b.wasmSource(req); ext == ".go" {
		return " go " + b.goToolchain(g).Identity(g.Ctx)
	}
	return ""
}

// replacement is a directory in place of a module, in a line of a go.mod.
var replacement = regexp.MustCompile(`=>\s*(\.\.?/\S*|/\S+)`)

// dependsOnOthers reports whether the wasm program is made of files that are
// outside of the gadget's directory, so that an earlier result proves nothing:
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
		if data, err := action.ReadFile(filepath.Join(dir, name), assemble.MaxWasmSource); err == nil {
			return dir, data
		}
		parent := filepath.Dir(dir)
		if parent == dir || dir == "." {
			return "", nil
		}
		dir = parent
	}
}
