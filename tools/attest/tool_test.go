package attest

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write puts a file into dir and returns its path.
func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

const sum = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

func args(t *testing.T, dir string) []string {
	t.Helper()
	return []string{
		"--name=one", "--target=//one:image", "--arch=amd64", "--param=cflags=-DA=1 -DB",
		"--digest-file=" + write(t, dir, "digest", "sha256:"+sum+"\n"),
		"--source=" + write(t, dir, "program.bpf.c", "int x;"),
		"--archive=debian/12/x86_64=" + write(t, dir, "6.1.btf.tar.xz", "btf"),
		"--compiler=" + write(t, dir, "packages.json", `[{"name":"clang","version":"19","url":"pool/clang.deb","sha256":"`+
			sum+`"}]`),
		"--provenance=" + filepath.Join(dir, "provenance.json"), "--sbom=" + filepath.Join(dir, "sbom.json"),
	}
}

func TestNamesEveryInput(t *testing.T) {
	dir := t.TempDir()
	if err := run(context.Background(), args(t, dir), nil, os.Stderr, os.Stderr); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"provenance.json", "sbom.json"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !json.Valid(data) {
			t.Fatalf("%s: %v: %s", name, err, data)
		}
		for _, want := range []string{sum, "program.bpf.c", "debian/12/x86_64/6.1.btf.tar.xz", "pool/clang.deb"} {
			if !bytes.Contains(data, []byte(want)) {
				t.Errorf("%s does not name %q:\n%s", name, want, data)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	tests := []struct{ name, old, new, want string }{
		{"a missing source", "program.bpf.c", "missing.c", "missing.c"},
		{"an archive without shard", "--archive=debian/12/x86_64=", "--archive=", "--archive"},
		{"a digest that is none", "/digest", "/program.bpf.c", "subject"},
		{"packages that are not JSON", "/packages.json", "/program.bpf.c", "packages of the compiler"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			all := args(t, dir)
			for i := range all {
				all[i] = strings.Replace(all[i], test.old, test.new, 1)
			}
			err := run(context.Background(), all, nil, os.Stderr, os.Stderr)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
			if _, err := os.Stat(filepath.Join(dir, "sbom.json")); err == nil {
				t.Error("a document was written all the same")
			}
		})
	}
}

func TestNameInRepository(t *testing.T) {
	for path, want := range map[string]string{
		"external/_main~bpf~vmlinux/vmlinux.h": "vmlinux.h",
		"gadgets/one/program.bpf.c":            "gadgets/one/program.bpf.c",
	} {
		if got := nameInRepository(path); got != want {
			t.Errorf("nameInRepository(%q) = %q, want %q", path, got, want)
		}
	}
}
