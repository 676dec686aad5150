package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/attest"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/sign"
)

// fake builds programs that are a line of text.
type fake struct {
	err error
	dir string // for layouts
}

func (f fake) build(_ context.Context, t tree, arch string) ([][]byte, error) {
	var all [][]byte
	for _, p := range programs {
		all = append(all, []byte("\x7fELF "+p.name+arch+t.commit))
	}
	return all, f.err
}

func (fake) materials(context.Context, tree, program, string) ([]attest.Material, error) {
	return []attest.Material{{
		Kind: attest.Module, Name: "example.com/m", Version: "v1.0.0", Digest: digest.FromString("m"),
	}}, nil
}

func (f fake) image(_ context.Context, t tree) (image, error) {
	layer := oci.NewBlob(ocispec.MediaTypeImageLayer, []byte(t.commit))
	config := oci.NewBlob(ocispec.MediaTypeImageConfig, []byte("{}"))
	manifest, err := action.JSON(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: config.Descriptor, Layers: []ocispec.Descriptor{layer.Descriptor},
	})
	if err != nil {
		return image{}, err
	}
	root := oci.NewBlob(ocispec.MediaTypeImageManifest, manifest)
	made := image{layout: filepath.Join(f.dir, t.commit), provenance: []byte(`{"p":1}`), sbom: []byte(`{"s":1}`)}
	return made, oci.WriteLayout(made.layout, root.Descriptor, []oci.Blob{layer, config, root})
}

// checkout makes a repository with a tagged commit of version 1.2.3.
func checkout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"MODULE.bazel": "module(\n    name = \"rules_gadget\",\n    version = \"1.2.3\",\n)\n",
		"CHANGELOG.md": "# Changelog\n\n## Unreleased (1.3.0)\n\n- later\n\n## 1.2.3 (2026-01-02)\n\n- new & " +
			"good\n\n## 1.2.2\n\n- old\n",
		".gitignore":         "/bazel-*\n/user.bazelrc\n",
		"rules/defs.bzl":     "x = 1\n",
		".bcr/presubmit.yml": "bcr_test_module:\n",
	} {
		put(t, filepath.Join(dir, name), content)
	}
	for _, template := range []string{"metadata.template.json", "source.template.json"} {
		data, err := os.ReadFile(filepath.Join("../../../.bcr", template))
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, ".bcr", template), string(data))
	}
	git(t, dir, "init", "-q")
	commit(t, dir)
	git(t, dir, "tag", "v1.2.3")
	return dir
}

func put(t *testing.T, name, content string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		err = os.WriteFile(name, []byte(content), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v: %s", args, err, out)
	}
}

func commit(t *testing.T, dir string) {
	t.Helper()
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "-m", "all")
}

// newKey makes a private key.
func newKey(t *testing.T) *sign.PrivateKey {
	t.Helper()
	secret, _, err := sign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := sign.ParsePrivateKey(secret, func() ([]byte, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// made makes a release of dir and returns its files by name.
func made(t *testing.T, dir string, key *sign.PrivateKey) map[string]string {
	t.Helper()
	at, err := readTree(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "release")
	if err := (&release{tree: at, builder: fake{dir: t.TempDir()}, key: key}).writeInto(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	err = filepath.WalkDir(out, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(out, path)
		files[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestRelease(t *testing.T) {
	dir, key := checkout(t), newKey(t)
	put(t, filepath.Join(dir, "bazel-out"), "ignored, so neither in the archive nor in the way")
	files := made(t, dir, key)
	elsewhere := filepath.Join(t.TempDir(), "another path")
	git(t, dir, "clone", "-q", "-c", "tar.umask=0077", "file://"+dir, elsewhere)
	if diff := cmp.Diff(files, made(t, elsewhere, key)); diff != "" {
		t.Errorf("the release of a clone differs:\n%s", diff)
	}
	if files["NOTES.md"] != "- new & good\n" {
		t.Errorf("notes are %q", files["NOTES.md"])
	}
	var listed []string
	for line := range strings.Lines(files["SHA256SUMS"]) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		listed = append(listed, name)
		if got := digest.FromString(files[name]).Encoded(); got != sum {
			t.Errorf("the sum of %s is %s, the file's %s", name, sum, got)
		}
	}
	for name := range files {
		if covers := !slices.Contains([]string{"SHA256SUMS", "SHA256SUMS.sig", "release.pub"},
			name); covers != slices.Contains(listed, name) {
			t.Errorf("%s is in SHA256SUMS: %t", name, !covers)
		}
	}
	public, err := sign.ParsePublicKeys([]byte(files["release.pub"]), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := sign.VerifyBlob([]byte(files["SHA256SUMS"]), []byte(files["SHA256SUMS.sig"]), public); err != nil {
		t.Error(err)
	}
}

func TestRegistryEntry(t *testing.T) {
	files := made(t, checkout(t), newKey(t))
	archive := files["rules_gadget-1.2.3.tar.gz"]
	want := []string{
		".bcr/metadata.template.json", ".bcr/presubmit.yml", ".bcr/source.template.json", ".gitignore", "CHANGELOG.md",
		"MODULE.bazel", "rules/defs.bzl",
	}
	if diff := cmp.Diff(want, archived(t, archive, "rules_gadget-1.2.3/")); diff != "" {
		t.Errorf("in the archive (-want +got):\n%s", diff)
	}
	var source struct {
		Integrity   string
		StripPrefix string `json:"strip_prefix"`
		URL         string
	}
	if err := json.Unmarshal([]byte(files["bcr/modules/rules_gadget/1.2.3/source.json"]), &source); err != nil {
		t.Fatal(err)
	}
	if source.Integrity != integrity([]byte(archive)) || source.StripPrefix != "rules_gadget-1.2.3" ||
		source.URL != "https://github.com/rules-gadget/rules_gadget/releases/download/v1.2.3/rules_gadget-1.2.3.tar.gz" {
		t.Errorf("source.json is %+v", source)
	}
	var metadata struct{ Versions []string }
	if err := json.Unmarshal([]byte(files["bcr/modules/rules_gadget/metadata.json"]), &metadata); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1.2.3"}, metadata.Versions); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	if !strings.Contains(files["bcr/modules/rules_gadget/1.2.3/MODULE.bazel"], `version = "1.2.3"`) {
		t.Error("the entry lacks MODULE.bazel")
	}
}

func TestToolsLock(t *testing.T) {
	files := made(t, checkout(t), newKey(t))
	public, err := sign.ParsePublicKeys([]byte(files["release.pub"]), "")
	if err != nil {
		t.Fatal(err)
	}
	var lock toolsLock
	if err := json.Unmarshal([]byte(files["gadget_tools.lock.json"]), &lock); err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(lock.Programs))
	want := []string{"gadget-push", "gadget-run", "gadget-tools"}
	if lock.Version != "1.2.3" || !slices.Equal(names, want) {
		t.Errorf("the lock has version %q and the programs %q, want %q", lock.Version, names, want)
	}
	for name, platforms := range lock.Programs {
		for _, arch := range archs {
			locked, program := platforms["linux/"+arch], name+"-linux-"+arch
			url := "https://github.com/rules-gadget/rules_gadget/releases/download/v1.2.3/" + program
			if !slices.Equal(locked.URLs, []string{url}) || locked.SHA256 != digest.FromString(files[program]).Encoded() {
				t.Errorf("%s is locked as %+v", program, locked)
			}
			if err := sign.VerifyBlob([]byte(files[program]), []byte(locked.Signature), public); err != nil {
				t.Errorf("%s: %v", program, err)
			}
		}
	}
}

// archived returns the names of the files in a .tar.gz, all below the prefix.
func archived(t *testing.T, data, prefix string) []string {
	t.Helper()
	zr, err := gzip.NewReader(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for tr := tar.NewReader(zr); ; {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		name, ok := strings.CutPrefix(header.Name, prefix)
		if !ok {
			t.Errorf("%s is not below %s", header.Name, prefix)
		}
		names = append(names, name)
	}
}

func TestRefusesTree(t *testing.T) {
	tests := []struct {
		name   string
		change func(t *testing.T, dir string)
		want   string
	}{
		{"a changed file", func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "rules/defs.bzl"), "")
		}, "(M rules/defs.bzl), commit or remove"},
		{"a new file", func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "new"), "")
		}, "(?? new), commit or remove"},
		{"settings of a user", func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "user.bazelrc"), "")
		}, "user.bazelrc\" changes the build"},
		{"no tag", func(t *testing.T, dir string) {
			git(t, dir, "tag", "-d", "v1.2.3")
		}, "has no tag, check out the commit with tag v1.2.3"},
		{"two tags", func(t *testing.T, dir string) { git(t, dir, "tag", "v1.2.4") }, "has the tag v1.2.3 and v1.2.4"},
		{"another version", func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "MODULE.bazel"), "module(\n    version = \"1.3.0\",\n)\n")
			commit(t, dir)
			git(t, dir, "tag", "-f", "v1.2.3")
		}, `has the tag v1.2.3 and MODULE.bazel has version "1.3.0"`},
		{"no version", func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "MODULE.bazel"), "module(\n    version = \"next\",\n)\n")
			commit(t, dir)
		}, "has no line version"},
		{"no notes", func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "CHANGELOG.md"), "## Unreleased (1.2.3)\n\n- x\n")
			commit(t, dir)
			git(t, dir, "tag", "-f", "v1.2.3")
		}, `no heading "## 1.2.3", rename "## Unreleased (1.2.3)"`},
		{"empty notes", func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "CHANGELOG.md"), "## 1.2.3\n\n## 1.2.2\n")
			commit(t, dir)
			git(t, dir, "tag", "-f", "v1.2.3")
		}, `says nothing below "## 1.2.3"`},
		{"no repository", func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, ".git")); err != nil {
				t.Fatal(err)
			}
		}, "not a git repository"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := checkout(t)
			test.change(t, dir)
			if _, err := readTree(t.Context(), dir); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestNoPartialOutput(t *testing.T) {
	at, err := readTree(t.Context(), checkout(t))
	if err != nil {
		t.Fatal(err)
	}
	parent := t.TempDir()
	broken := release{tree: at, builder: fake{err: errors.New("no compiler")}, key: newKey(t)}
	if err := broken.writeInto(t.Context(), filepath.Join(parent, "out")); err == nil {
		t.Error("a build that failed gave no error")
	}
	if left, _ := os.ReadDir(parent); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	if err := broken.writeInto(t.Context(), parent); err == nil ||
		!strings.Contains(err.Error(), "exists, name a directory") {
		t.Errorf("got %v for a directory that exists", err)
	}
}

func TestRefusesKey(t *testing.T) {
	secret, _, err := sign.GenerateKey([]byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	locked := filepath.Join(t.TempDir(), "locked.key")
	put(t, locked, string(secret))
	t.Setenv("COSIGN_PASSWORD", "")
	os.Unsetenv("COSIGN_PASSWORD")
	for key, want := range map[string]string{
		locked:                "the key has a password, set COSIGN_PASSWORD",
		"env://RELEASE_UNSET": "the environment variable is not set",
		"/does/not/exist":     "no such file",
	} {
		var out bytes.Buffer
		err := run(t.Context(), []string{"--key", key, filepath.Join(t.TempDir(), "out")}, nil, &out, &out)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("key %s: got %v, want an error with %q", key, err, want)
		}
	}
}

func TestModules(t *testing.T) {
	packages := `{} {"Module":{"Path":"example.com/main","Main":true}}
		{"Module":{"Path":"example.com/a","Version":"v1.0.0"}} {"Module":{"Path":"example.com/a","Version":"v1.0.0"}}`
	sums := "example.com/a v1.0.0 h1:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=\nexample.com/a v1.0.0/go.mod h1:AAAA\n"
	got, err := modules([]byte(packages), []byte(sums))
	want := []attest.Material{{
		Kind: attest.Module, Name: "example.com/a", Version: "v1.0.0", Digest: digest.FromString("hello"),
	}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := modules([]byte(packages), nil); err == nil ||
		!strings.Contains(err.Error(), "go.sum has no hash of example.com/a v1.0.0") {
		t.Errorf("without a hash: %v", err)
	}
}
