package artifact_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// packed is a directory as a tar.
func packed(t *testing.T, dir string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func compressed(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestArchiveInEveryForm opens a layout as a directory, a tar, a compressed tar, and
// through a pipe, and leaves no temporary file.
func TestArchiveInEveryForm(t *testing.T) {
	a := registrytest.NewArtifact(t, 3, 100)
	layout := a.Layout(t)
	data := packed(t, layout)
	for name, write := range map[string]func(path string) error{
		"directory":       func(path string) error { return os.CopyFS(path, os.DirFS(layout)) },
		"tar":             func(path string) error { return os.WriteFile(path, data, 0o600) },
		"compressed tar":  func(path string) error { return os.WriteFile(path, compressed(t, data), 0o600) },
		"pipe":            func(path string) error { return pipe(path, data) },
		"compressed pipe": func(path string) error { return pipe(path, compressed(t, data)) },
	} {
		t.Run(name, func(t *testing.T) {
			temporary := t.TempDir()
			t.Setenv("TMPDIR", temporary)
			path := filepath.Join(t.TempDir(), "gadget")
			if err := write(path); err != nil {
				t.Fatal(err)
			}
			src, err := artifact.OpenPath(t.Context(), artifact.ParsePath(path))
			if err != nil {
				t.Fatal(err)
			}
			if src.Root.Digest != a.Root.Digest {
				t.Errorf("it has the digest %s, want %s", src.Root.Digest, a.Root.Digest)
			}
			src.Release()
			if left, _ := filepath.Glob(filepath.Join(temporary, "*")); len(left) > 0 {
				t.Errorf("temporary files are left: %q", left)
			}
		})
	}
}

// pipe makes a named pipe from which data can be read once.
func pipe(path string, data []byte) error {
	if err := unix.Mkfifo(path, 0o600); err != nil {
		return err
	}
	go func() { _ = os.WriteFile(path, data, 0o600) }()
	return nil
}

// TestDamagedArchives holds that errors name the damage, and that no temporary file stays.
func TestDamagedArchives(t *testing.T) {
	data := packed(t, registrytest.NewArtifact(t, 3, 100).Layout(t))
	whole := compressed(t, data)
	for name, tc := range map[string]struct {
		data []byte
		want string
	}{
		"half of the compressed data": {whole[:len(whole)/2], "reading archive: reading tar: unexpected EOF"},
		"gzip by its begin alone": {
			[]byte("\x1f\x8b\x00 nothing of the kind"), "reading archive: gzip: invalid header",
		},
		"compressed, but not a tar": {compressed(t, bytes.Repeat([]byte("x"), 2000)), "reading archive: reading tar:"},
		"text":                      {[]byte("hello"), "it must be a tar, plain or compressed with gzip"},
		"tar without a layout":      {packed(t, emptyDirectory(t)), `it has no file "oci-layout"`},
	} {
		t.Run(name, func(t *testing.T) {
			temporary := t.TempDir()
			t.Setenv("TMPDIR", temporary)
			path := filepath.Join(t.TempDir(), "gadget.tar")
			if err := os.WriteFile(path, tc.data, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := artifact.OpenPath(t.Context(), artifact.ParsePath(path))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if left, _ := filepath.Glob(filepath.Join(temporary, "*")); len(left) > 0 {
				t.Errorf("temporary files are left: %q", left)
			}
		})
	}
}

func emptyDirectory(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "README"), []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestParseNewName takes references alone: the name of a file is none for an artifact.
func TestParseNewName(t *testing.T) {
	t.Setenv("GADGET_RUN_REGISTRIES", os.DevNull)
	t.Chdir(t.TempDir())
	for text, want := range map[string]string{
		"g": "docker.io/library/g:latest", "docker://r.example/g:v1": "r.example/g:v1",
		"g.tar": "docker.io/library/g.tar:latest",
	} {
		if got, err := artifact.ParseNewName(text); err != nil || got.String() != want {
			t.Errorf("%q is %s, %v, want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"./g": `"./g" is a path, the new name must be a reference: [registry/]name[:tag]`,
		"/g":  `"/g" is a path, the new name must be a reference: [registry/]name[:tag]`,
		"":    "the name of the artifact is empty, write [registry/]name[:tag] or a path",
	} {
		if _, err := artifact.ParseNewName(text); err == nil || err.Error() != want || cli.ExitCode(err) != cli.ExitUsage {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// TestParsePath takes every text for a path, and understands how others spell them.
func TestParsePath(t *testing.T) {
	t.Setenv("GADGET_RUN_REGISTRIES", os.DevNull)
	for text, want := range map[string]artifact.Name{
		"g":                 {Path: "g"},
		"r.example/g:v1":    {Path: "r.example/g:v1"},
		"./g":               {Path: "./g"},
		"oci:g:v1":          {Path: "g", Member: "v1"},
		"docker-archive:g":  {Path: "g"},
		"name with a blank": {Path: "name with a blank"},
	} {
		if got := artifact.ParsePath(text); got.Path != want.Path || got.Member != want.Member || got.Text != text {
			t.Errorf("%q is %+v, want %+v", text, got, want)
		}
	}
}

// TestFileNamedLikeNoReference is used with "./" before its name.
func TestFileNamedLikeNoReference(t *testing.T) {
	t.Setenv("GADGET_RUN_REGISTRIES", os.DevNull)
	t.Chdir(t.TempDir())
	for _, name := range []string{"Gadget.tgz", "gadget.tgz"} {
		if err := os.WriteFile(name, compressed(t, nil), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"Gadget.tgz": `"Gadget.tgz" is a file or a directory, write "./Gadget.tgz" to use it`,
		"gadget.tgz": `"gadget.tgz" may be a file here or an artifact in a registry, write "./gadget.tgz" for the file or ` +
			`"docker://docker.io/library/gadget.tgz:latest" for the artifact`,
	} {
		if _, err := artifact.ParseName(name); err == nil || err.Error() != want || cli.ExitCode(err) != cli.ExitUsage {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}
