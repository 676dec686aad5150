package imagecmd

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
	"github.com/rules-gadget/rules_gadget/internal/pinned"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// write makes files below dir, and returns dir.
func write(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644))
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func quiet(t *testing.T) *cli.Globals {
	return &cli.Globals{Ctx: t.Context(), Stdout: &bytes.Buffer{}, Stderr: cli.Serial(&bytes.Buffer{})}
}

// keyOf is the key of a build, or the error of making it.
func keyOf(t *testing.T, b Build) (string, error) {
	t.Helper()
	g := quiet(t)
	req, err := b.request(g)
	if err != nil {
		return "", err
	}
	return b.key(g, req)
}

// TestBuildKey: whatever changes the result changes the key, and nothing else does.
func TestBuildKey(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "")
	gadget := map[string]string{"program.bpf.c": "int x;\n", "gadget.yaml": "name: g\n"}
	dir := write(t, t.TempDir(), gadget)
	base, err := keyOf(t, Build{Path: dir, ValidateMetadata: true})
	if err != nil {
		t.Fatal(err)
	}
	same, err := keyOf(t, Build{Path: write(t, t.TempDir(), gadget), ValidateMetadata: true, Tag: []string{"other"}})
	if err != nil || same != base {
		t.Errorf("a copy elsewhere has another key: %v", err)
	}
	extra := write(t, t.TempDir(), map[string]string{
		"a.h": "#define A\n", "vmlinux.h": "struct a;\n", "other.h": "struct b;\n", "build.yaml": "cflags: -DX\n",
		"btf/debian/12/x86_64/6.1.btf.tar.xz": "x",
	})
	in := func(name string) string { return filepath.Join(extra, name) }
	seen := map[string]string{base: "the base"}
	for name, b := range map[string]Build{
		"label":           {Label: []string{"a=b"}},
		"another label":   {Label: []string{"a=c"}},
		"platform":        {Platform: []string{"linux/arm64"}},
		"include":         {Include: []string{extra}},
		"build file":      {File: in("build.yaml")},
		"vmlinux":         {Vmlinux: []string{in("vmlinux.h")}},
		"vmlinux of one":  {Vmlinux: []string{"arm64=" + in("vmlinux.h")}},
		"another vmlinux": {Vmlinux: []string{in("other.h")}},
		"btf":             {BTF: in("btf")},
		"local":           {Local: true},
		"lenient":         {},
	} {
		b.Path, b.ValidateMetadata = dir, name != "lenient"
		key, err := keyOf(t, b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if before, ok := seen[key]; ok {
			t.Errorf("%s has the key of %s", name, before)
		}
		seen[key] = name
	}
	for name, change := range map[string]map[string]string{
		"content": {"program.bpf.c": "int y;\n"}, "another file": {"sub/x.h": ""},
	} {
		changed, err := keyOf(t, Build{Path: write(t, write(t, t.TempDir(), gadget), change), ValidateMetadata: true})
		if before, ok := seen[changed]; ok || err != nil {
			t.Errorf("%s has the key of %s, %v", name, before, err)
		}
	}
	t.Setenv("SOURCE_DATE_EPOCH", "1000")
	if dated, err := keyOf(t, Build{Path: dir, ValidateMetadata: true}); err != nil || dated == base {
		t.Errorf("the time of creation is not in the key: %v", err)
	}
}

func TestBuildRefusals(t *testing.T) {
	dir := write(t, t.TempDir(), map[string]string{"program.bpf.c": ""})
	many := t.TempDir()
	for i := range maxInputs + 1 {
		if err := os.WriteFile(filepath.Join(many, strconv.Itoa(i)),
			nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	large := filepath.Join(t.TempDir(), "large")
	if err := os.Mkdir(large, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(large, "vmlinux"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(maxInputBytes+1), f.Close()); err != nil { // takes no room
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		build Build
		epoch string
		want  string
		usage bool
	}{
		"label without value": {build: Build{Label: []string{"a"}}, want: `label "a" is not KEY=VALUE`, usage: true},
		"label without key":   {build: Build{Label: []string{"=a"}}, want: `label "=a" is not KEY=VALUE`, usage: true},
		"platform": {
			build: Build{Platform: []string{"windows/amd64"}}, want: "gadgets run on linux only", usage: true,
		},
		"epoch":   {epoch: "yesterday", want: "yesterday"},
		"btf":     {build: Build{BTF: filepath.Join(dir, "absent")}, want: "absent"},
		"include": {build: Build{Include: []string{filepath.Join(dir, "absent")}}, want: "absent"},
		"vmlinux": {build: Build{Vmlinux: []string{filepath.Join(dir, "absent.h")}}, want: "absent.h"},
		"many files": {
			build: Build{Path: many}, want: "holds more than 10000 files, it is not a gadget's directory",
		},
		"large files": {
			build: Build{Path: large},
			want:  "holds more than 1073741824 bytes, it is not a gadget's directory",
		},
	} {
		t.Setenv("SOURCE_DATE_EPOCH", tc.epoch)
		if tc.build.Path == "" {
			tc.build.Path = dir
		}
		_, err := keyOf(t, tc.build)
		usage := (*cli.UsageError)(nil)
		if err == nil || !strings.Contains(err.Error(), tc.want) || errors.As(err, &usage) != tc.usage {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}

func TestHeaderFiles(t *testing.T) {
	for _, tc := range []struct {
		flags        []string
		amd64, arm64 string
	}{
		{nil, "", ""},
		{[]string{"a.h"}, "a.h", "a.h"},
		{[]string{"arm64=b.h"}, "", "b.h"},
		{[]string{"a.h", "arm64=b.h"}, "a.h", "b.h"},
		{[]string{"amd64=a.h", "aarch64=b.h"}, "a.h", "b.h"},
		{[]string{"dir=x/a.h"}, "dir=x/a.h", "dir=x/a.h"}, // a name of a file with "="
	} {
		got, err := (&Build{Vmlinux: tc.flags}).headerFiles()
		if err != nil || got[arch.AMD64] != tc.amd64 || got[arch.ARM64] != tc.arm64 {
			t.Errorf("%q: %v, %v", tc.flags, got, err)
		}
	}
}

// TestDependsOnOthers: what is built from files that the key does not have is built
// each time.
func TestDependsOnOthers(t *testing.T) {
	const goWasm, rust = "wasm: program.go\n", "wasm: program.rs\n"
	for name, tc := range map[string]struct {
		files map[string]string
		want  bool
	}{
		"no wasm":      {map[string]string{"build.yaml": "cflags: -DX\n"}, false},
		"ready wasm":   {map[string]string{"build.yaml": "wasm: program.wasm\n"}, false},
		"rust":         {map[string]string{"build.yaml": rust}, true},
		"go":           {map[string]string{"build.yaml": goWasm, "go.mod": "module g\n\nrequire x v1.0.0\n"}, false},
		"go of itself": {map[string]string{"build.yaml": goWasm, "go.mod": "replace x => ./x\n"}, false},
		"go nearby":    {map[string]string{"build.yaml": goWasm, "go.mod": "replace x => ../x\n"}, true},
		"go elsewhere": {map[string]string{"build.yaml": goWasm, "go.mod": "replace x v1 => /src/x\n"}, true},
		"other module": {map[string]string{"build.yaml": goWasm, "go.mod": "replace x => y.example/x v1.0.0\n"}, false},
		"above": {
			map[string]string{"build.yaml": "wasm: go/program.go\n", "go/x": "", "go.mod": "replace x => ../x\n"}, true,
		},
	} {
		dir := write(t, filepath.Join(t.TempDir(), "gadget"), tc.files)
		b := &Build{Path: dir}
		if got := b.dependsOnOthers(assemble.ImageRequest{Directory: assemble.Directory{Dir: dir}}); got != tc.want {
			t.Errorf("%s: %t", name, got)
		}
		// The same with a build file in another directory.
		other := filepath.Join(dir, "build.yaml")
		b.File = other
		if got := b.dependsOnOthers(assemble.ImageRequest{Directory: assemble.Directory{Dir: dir, BuildFile: other}}); got !=
			tc.want {
			t.Errorf("%s with --file: %t", name, got)
		}
	}
}

// TestFetcher: what a mirror sends is accepted when it matches the lock file.
func TestFetcher(t *testing.T) {
	data := []byte("a package")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/pool/tool.deb") {
			http.NotFound(w, r)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/wrong") {
			_, _ = w.Write([]byte("a peckage"))
			return
		}
		_, _ = w.Write(data)
	}))
	t.Cleanup(srv.Close)
	p := pinned.Package{
		Name: "tool", Version: "1.2", Path: "pool/tool.deb", Size: int64(len(data)), SHA256: digest.FromBytes(data).Encoded(),
	}
	for name, tc := range map[string]struct {
		bases []string
		ok    bool
	}{
		"one":                  {[]string{srv.URL + "/mirror"}, true},
		"the second":           {[]string{srv.URL + "/wrong", srv.URL + "/mirror"}, true},
		"with another content": {[]string{srv.URL + "/wrong"}, false},
	} {
		g := quiet(t)
		stderr := &bytes.Buffer{}
		g.Stderr = cli.Serial(stderr)
		got, err := fetcher(g, tc.bases)(t.Context(), p)
		if (err == nil) != tc.ok || tc.ok && !bytes.Equal(got, data) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if want := "Fetching tool 1.2 (9B)"; !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: it says %q, want %q", name, stderr, want)
		}
	}
}

// TestKeepsWholeResults: an earlier result counts when all of it is there.
func TestKeepsWholeResults(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "result")
	if _, err := cached(t.Context(), dir); err == nil {
		t.Error("an absent directory is a result")
	}
	res, documents := result(t)
	if err := keep(dir, res, documents, true); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what changed its own inputs is kept: %v", err)
	}
	whole := func() {
		t.Helper()
		if err := keep(dir, res, documents, false); err != nil {
			t.Fatal(err)
		}
		made, err := cached(t.Context(), dir)
		if err != nil || made.root.Digest != res.Root.Digest || len(made.documents) != len(documents) ||
			!bytes.Equal(made.documents[0].Data, documents[0].Data) {
			t.Fatalf("%+v, %v", made, err)
		}
	}
	whole()
	root := "blobs/sha256/" + res.Root.Digest.Encoded()
	for _, name := range []string{"index.json", "provenance.json", "sbom.spdx.json", root} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if _, err := cached(t.Context(), dir); err == nil {
			t.Errorf("without %s it is a result", name)
		}
		whole()
	}
}

// result is what a build made, with its documents.
func result(t *testing.T) (assemble.ImageResult, []registry.Document) {
	t.Helper()
	art := registrytest.NewArtifact(t, 1, 100)
	documents := documentsOf(attestations())
	for i := range documents {
		documents[i].Data = []byte(`{"about": "it"}`)
	}
	return assemble.ImageResult{Root: art.Root, Blobs: art.Blobs}, documents
}
