package assemble_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

const module = "\x00asm\x01\x00\x00\x00"

// layoutOf takes the way of the build actions: compile, wasm, manifest of each
// architecture, index, each with files in between.
func layoutOf(t *testing.T, directory assemble.Directory, tc assemble.Toolchain) (digest, layout string) {
	t.Helper()
	out := t.TempDir()
	wasm, err := assemble.Wasm(context.Background(), assemble.WasmRequest{Directory: directory})
	if err != nil {
		t.Fatal(err)
	}
	files, manifests := []string{filepath.Join(out, "wasm")}, []oci.Blob{}
	write := func(name string, data []byte) string {
		full := filepath.Join(out, name)
		if err := action.WriteFile(full, data); err != nil {
			t.Fatal(err)
		}
		return full
	}
	write("wasm", wasm.Module)
	for _, a := range arch.All() {
		compiled, err := assemble.Compile(context.Background(), assemble.CompileRequest{
			Directory: directory, Toolchain: tc, Arch: a,
		})
		if err != nil {
			t.Fatal(err)
		}
		built, _, err := assemble.Manifest(assemble.ManifestRequest{
			Directory: directory, Arch: a, Object: compiled.Object, Wasm: wasm.Module, Created: time.Unix(7, 0),
		})
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := assemble.EncodeDescriptor(built)
		if err != nil {
			t.Fatal(err)
		}
		m, err := assemble.DecodeDescriptor(encoded)
		if err != nil {
			t.Fatal(err)
		}
		manifests = append(manifests, m)
		files = append(files, write("o."+a.String(), compiled.Object), write("c."+a.String(), built.Blobs[0].Data))
	}
	root, err := assemble.WriteIndex(filepath.Join(out, "layout"), manifests, files)
	if err != nil {
		t.Fatal(err)
	}
	return root.Digest.String(), filepath.Join(out, "layout")
}

func TestImageMatchesActions(t *testing.T) {
	tc, _ := fakeToolchain(t, testObject)
	directory := assemble.Directory{Dir: writeFiles(t, map[string]string{
		"build.yaml": "wasm: a.wasm\n", "a.wasm": module, "program.bpf.c": "",
		"gadget.yaml": "name: x\ndatasources: {open: {}}\n",
	})}
	want, layout := layoutOf(t, directory, tc)
	result, err := assemble.Image(context.Background(), assemble.ImageRequest{
		Directory: directory, Toolchains: map[arch.Arch]assemble.Toolchain{arch.AMD64: tc, arch.ARM64: tc},
		Created: time.Unix(7, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Root.Digest.String(); got != want {
		t.Errorf("digest %s in process, %s by actions", got, want)
	}
	for _, a := range arch.All() {
		art, err := gadget.Load(context.Background(), oci.NewMemory(result.Blobs...), result.Root, a)
		if err != nil || string(art.Wasm) != module || !bytes.Equal(art.Object, readFile(t, testObject)) {
			t.Errorf("%s: %v", a, err)
		}
	}
	l, err := oci.OpenLayout(layout)
	if err != nil {
		t.Fatal(err)
	}
	if root, err := l.Root(""); err != nil || root.Digest.String() != want {
		t.Errorf("root %v, %v", root, err)
	}
}

func TestImageWithoutProgramOrMetadata(t *testing.T) {
	ctx := context.Background()
	toolchains := map[arch.Arch]assemble.Toolchain{arch.AMD64: {}, arch.ARM64: {}}
	meta := assemble.Directory{Dir: writeFiles(t,
		map[string]string{"gadget.yaml": "name: x\noperator: {process: {emitstats: true}}\ndatasources: {processes: {}}\n"})}
	result, err := assemble.Image(ctx, assemble.ImageRequest{Directory: meta, Toolchains: toolchains})
	if err != nil {
		t.Fatal(err)
	}
	art, err := gadget.Load(ctx, oci.NewMemory(result.Blobs...), result.Root, arch.AMD64)
	if err != nil || art.Object != nil || art.Metadata == nil {
		t.Errorf("%+v, %v", art, err)
	}
	_, err = assemble.Image(ctx, assemble.ImageRequest{
		Directory: assemble.Directory{Dir: t.TempDir()}, Toolchains: toolchains,
	})
	wantError(t, err, "the gadget is empty")
}

func TestImageTakesArchsAndLayers(t *testing.T) {
	tc, _ := fakeToolchain(t, testObject)
	directory := assemble.Directory{Dir: writeFiles(t, map[string]string{
		"build.yaml": "archs: [arm64]\n", "program.bpf.c": "",
	})}
	req := assemble.ImageRequest{
		Directory: directory, Toolchains: map[arch.Arch]assemble.Toolchain{arch.ARM64: tc},
		BTF: func(_ context.Context, a arch.Arch, _ []byte) ([]byte, error) { return []byte(a), nil },
	}
	result, err := assemble.Image(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	art, err := gadget.Load(context.Background(), oci.NewMemory(result.Blobs...), result.Root, arch.ARM64)
	if err != nil || string(art.BTF) != "arm64" || len(result.Objects) != 1 {
		t.Errorf("%v, objects for %d architectures", err, len(result.Objects))
	}
	req.Archs = arch.All()
	_, err = assemble.Image(context.Background(), req)
	wantError(t, err, "no toolchain is registered for it")
	req.Archs, req.BTF = nil, func(context.Context, arch.Arch, []byte) ([]byte, error) { return nil, errors.New("cause") }
	_, err = assemble.Image(context.Background(), req)
	wantError(t, err, "making btfgen layer for arm64: cause")
}

func TestManifestChecksMetadata(t *testing.T) {
	object := readFile(t, testObject)
	directory := assemble.Directory{Dir: writeFiles(t,
		map[string]string{"gadget.yaml": "name: x\ndatasources: {opn: {}}\n"})}
	req := assemble.ManifestRequest{Directory: directory, Arch: arch.AMD64, Object: object}
	_, _, err := assemble.Manifest(req)
	wantError(t, err, `gadget.yaml:2: the object has no data source "opn", did you mean "open"?`)
	req.Lenient = true
	_, problems, err := assemble.Manifest(req)
	if err != nil || len(problems) != 1 || !problems[0].Warning {
		t.Errorf("lenient: %v, %v", problems, err)
	}
}

func TestManifestFindsMetadata(t *testing.T) {
	named := assemble.Directory{Dir: writeFiles(t, map[string]string{"build.yaml": "metadata: m.yaml\n"})}
	_, _, err := assemble.Manifest(assemble.ManifestRequest{Directory: named, Arch: arch.AMD64})
	wantError(t, err, `build.yaml:1: metadata names "m.yaml", but`)
	given := writeFiles(t, map[string]string{"given.yaml": "name: given\n"}) + "/given.yaml"
	built, _, err := assemble.Manifest(assemble.ManifestRequest{Directory: named, MetadataFile: given, Arch: arch.AMD64})
	if err != nil || built.Manifest.Annotations["org.opencontainers.image.title"] != "given" {
		t.Errorf("%v, %v", built.Manifest.Annotations, err)
	}
}

func TestParseEpoch(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "0": 0, "1700000000": 1700000000} {
		if got, err := assemble.ParseEpoch(text); err != nil || got.Unix() != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"x", "-1", "1e3", "999999999999999"} {
		_, err := assemble.ParseEpoch(text)
		wantError(t, err, "SOURCE_DATE_EPOCH")
	}
}

func TestDecodeDescriptorRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"syntax": "{", "more": "{}{}", "no data": `{"digest":"sha256:00","size":1}`,
		"other data": `{"mediaType":"a","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0,"data":"eA=="}`,
	} {
		if _, err := assemble.DecodeDescriptor([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestWriteIndexNamesTheMissingBlob(t *testing.T) {
	built, err := gadget.BuildManifest(gadget.ManifestInput{Arch: arch.AMD64, Metadata: []byte("name: x\n")})
	if err != nil {
		t.Fatal(err)
	}
	m := oci.Blob{Descriptor: built.Descriptor, Data: built.Data}
	_, err = assemble.WriteIndex(t.TempDir(), []oci.Blob{m}, nil)
	wantError(t, err, "no file has the content of blob "+built.Manifest.Config.Digest.String(), "pass it with --blob")
	_, err = assemble.WriteIndex(t.TempDir(), nil, nil)
	wantError(t, err, "no manifest is given")
	_, err = assemble.WriteIndex(t.TempDir(), []oci.Blob{m}, []string{"/no/such/file"})
	wantError(t, err, "reading blob")
}

func TestWasm(t *testing.T) {
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  []string
		size  int
	}{
		{name: "none", files: map[string]string{"a.wasm": module}},
		{name: "prebuilt", files: map[string]string{"build.yaml": "wasm: a.wasm\n", "a.wasm": module}, size: len(module)},
		{
			name: "no module", files: map[string]string{"build.yaml": "wasm: a.wasm\n", "a.wasm": "text"},
			want: []string{"not a wasm module"},
		},
		{name: "missing", files: map[string]string{"build.yaml": "wasm: a.wasm\n"}, want: []string{`wasm names "a.wasm"`}},
		{
			name: "rust", files: map[string]string{"build.yaml": "wasm: a.rs\n", "a.rs": ""},
			want: []string{"build.yaml:1:", "is not built here"},
		},
		{
			name: "go without toolchain", files: map[string]string{"build.yaml": "wasm: a.go\n", "a.go": ""},
			want: []string{"build.yaml:1:", "a Go toolchain is missing"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			result, err := assemble.Wasm(context.Background(),
				assemble.WasmRequest{Directory: assemble.Directory{Dir: writeFiles(t, tc.files)}})
			wantError(t, err, tc.want...)
			if len(result.Module) != tc.size {
				t.Errorf("%d bytes, want %d", len(result.Module), tc.size)
			}
		})
	}
}

// goIn returns what finds tc.
func goIn(tc assemble.GoToolchain) func(context.Context) (assemble.GoToolchain, error) {
	return func(context.Context) (assemble.GoToolchain, error) { return tc, nil }
}

// goRoot returns a Go toolchain to build wasm with.
func goRoot(t *testing.T) string {
	t.Helper()
	command, err := exec.LookPath("go")
	if err != nil {
		t.Skip("needs a Go toolchain, go in PATH")
	}
	command, err = filepath.EvalSymlinks(command)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(filepath.Dir(command))
}

func TestMissingGoModules(t *testing.T) {
	tc := assemble.GoToolchain{Root: goRoot(t), ModCache: t.TempDir(), Cache: t.TempDir()}
	for name, program := range map[string]string{
		"a module that is required": "package main\n\nimport _ \"example.com/dep\"\n\nfunc main() {}\n",
		"a module that is not":      "package main\n\nimport _ \"example.com/other\"\n\nfunc main() {}\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := writeFiles(t, map[string]string{
				"build.yaml": "wasm: go/program.go\n", "go/program.go": program,
				"go/go.mod": "module example.com/g\n\ngo 1.24\n\nrequire example.com/dep v1.0.0\n",
			})
			_, err := assemble.Wasm(context.Background(), assemble.WasmRequest{
				Directory: assemble.Directory{Dir: dir}, Go: goIn(tc),
			})
			wantError(t, err, `building wasm module from "go/program.go": it needs modules that are not here, run "go mod download" or "go mod vendor" in `)
		})
	}
}

func TestWasmFromRust(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("needs a shell")
	}
	dir := writeFiles(t, map[string]string{
		"build.yaml": "wasm: rust/src/lib.rs\n", "rust/src/lib.rs": "", "rust/Cargo.toml": "",
		"loose/build.yaml": "wasm: lib.rs\n", "loose/lib.rs": "",
	})
	build := func(dir, script string) ([]byte, error) {
		cargo := filepath.Join(t.TempDir(), "cargo")
		if err := os.WriteFile(cargo, []byte("#!"+sh+"\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
		res, err := assemble.Wasm(context.Background(), assemble.WasmRequest{
			Directory: assemble.Directory{Dir: dir}, Cargo: func(context.Context) (string, error) { return cargo, nil },
		})
		return res.Module, err
	}
	const out = `test "$PWD" = "${PWD%/rust}/rust" && while [ $# -gt 1 ]; do [ $1 = --target-dir ] && d=$2; shift; done; mkdir -p $d/wasm32-wasip1/release && cd $d/wasm32-wasip1/release && `
	module, err := build(dir, out+`printf '\000asm\001\000\000\000' > g.wasm`)
	if err != nil || gadget.CheckWasm(module) != nil {
		t.Errorf("got %q, %v", module, err)
	}
	for script, want := range map[string]string{
		out + "printf x > g.wasm":                              "it is not a wasm module",
		out + "touch a.wasm b.wasm":                            "the package makes 2 wasm modules, want one",
		"echo 'the target may not be installed' >&2; exit 101": `the Rust toolchain lacks the target wasm32-wasip1, add it with "rustup target add wasm32-wasip1"`,
		"echo 'remove the --offline flag' >&2; exit 101":       `it needs packages that are not here, run "cargo fetch" in`,
		"echo 'error[E0425]' >&2; exit 101":                    "error[E0425]",
	} {
		_, err := build(dir, script)
		wantError(t, err, `building wasm module from "rust/src/lib.rs"`, want)
	}
	_, err = build(filepath.Join(dir, "loose"), "exit 0")
	wantError(t, err, `wasm names the Rust source "lib.rs", but neither its directory nor one above has a Cargo.toml`)
}

func TestWasmFromGo(t *testing.T) {
	if testing.Short() {
		t.Skip("needs half a minute to compile the standard library, run without -short")
	}
	root := goRoot(t)
	files := map[string]string{
		"g/build.yaml": "wasm: go/program.go\n", "g/program.bpf.c": "x",
		"g/go/go.mod":       "module example.com/g\n\ngo 1.24\n",
		"g/go/util/util.go": "package util\n\nfunc One() int32 { return 1 }\n",
		"g/go/program.go": "package main\n\nimport \"example.com/g/util\"\n\n//go:wasmexport gadgetInit\nfunc gadgetInit() " +
			"int32 { return util.One() }\n\nfunc main() {}\n",
	}
	t.Chdir(writeFiles(t, files))
	t.Setenv("GOFLAGS", "-mod=broken")
	cache := t.TempDir()
	inputs := []string{"g/build.yaml", "g/program.bpf.c", "g/go/go.mod", "g/go/util/util.go", "g/go/program.go"}
	result, err := assemble.Wasm(context.Background(),
		assemble.WasmRequest{
			Directory: assemble.Directory{Dir: "g", Inputs: inputs}, Go: goIn(assemble.GoToolchain{Root: root, Cache: cache}),
		})
	if err != nil {
		t.Fatal(err)
	}
	if gadget.CheckWasm(result.Module) != nil || !bytes.Contains(result.Module, []byte("gadgetInit")) {
		t.Error("the module does not export gadgetInit")
	}
	if len(result.Unused) != 1 || result.Unused[0] != "g/program.bpf.c" {
		t.Errorf("unused: %v", result.Unused)
	}
	if err := os.WriteFile("g/go/program.go", []byte("package main\n\nfunc main() { x }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = assemble.Wasm(context.Background(),
		assemble.WasmRequest{
			Directory: assemble.Directory{Dir: "g", Inputs: inputs}, Go: goIn(assemble.GoToolchain{Root: root, Cache: cache}),
		})
	wantError(t, err, "program.go:3:15: undefined: x", `building wasm module from "go/program.go"`)
}
