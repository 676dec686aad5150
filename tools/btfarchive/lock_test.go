package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func archiveDirectory(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range names {
		path := filepath.Join(dir, filepath.FromSlash(n))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLock(t *testing.T) {
	dir := archiveDirectory(t, "debian/12/x86_64/6.1.0-9.btf.tar.xz", "debian/12/x86_64/6.1.0-10+b1.btf.tar.xz",
		"amzn/2018/arm64/4.14.btf.tar.xz", "README.md")
	if err := os.Symlink("2018", filepath.Join(dir, "amzn", "1")); err != nil {
		t.Fatal(err)
	}
	var stdout bytes.Buffer
	if err := runArgs(t, []string{"lock", "--url=https://a.example/x/", "--url=https://b.example", dir}, &stdout,
		t.Output()); err != nil {
		t.Fatal(err)
	}
	const sum = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
	want := `{"format":1,"shards":{` +
		`"amzn/2018/arm64":[{"release":"4.14","urls":["https://a.example/x/amzn/2018/arm64/4.14.btf.tar.xz","https://b.example/amzn/2018/arm64/4.14.btf.tar.xz"],"sha256":"` + sum + `"}],` +
		`"debian/12/x86_64":[` +
		`{"release":"6.1.0-10+b1","urls":["https://a.example/x/debian/12/x86_64/6.1.0-10+b1.btf.tar.xz","https://b.example/debian/12/x86_64/6.1.0-10+b1.btf.tar.xz"],"sha256":"` + sum + `"},` +
		`{"release":"6.1.0-9","urls":["https://a.example/x/debian/12/x86_64/6.1.0-9.btf.tar.xz","https://b.example/debian/12/x86_64/6.1.0-9.btf.tar.xz"],"sha256":"` + sum + `"}]}}`
	got := strings.NewReplacer(" ", "", "\n", "").Replace(stdout.String())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lock file (-want +got):\n%s", diff)
	}
}

func TestLockRefuses(t *testing.T) {
	for _, name := range []string{"x.btf.tar.xz", "debian/12/aarch64/x.btf.tar.xz", "debian/12/x86_64/deep/x.btf.tar.xz"} {
		err := runArgs(t, []string{"lock", "--url=https://a.example", archiveDirectory(t, name)}, t.Output(), t.Output())
		if err == nil || !strings.Contains(err.Error(), "<distro>/<version>/<arch>") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFile(t *testing.T) {
	out := filepath.Join(t.TempDir(), "5.4.0.btf.tar.xz")
	deb := write(t, "k.deb", testDeb(t, "amd64", "boot/vmlinuz-5.4.0", testBTF()))
	if err := runArgs(t, []string{"--file=" + out, "--arch=amd64", deb}, t.Output(), t.Output()); err != nil {
		t.Fatal(err)
	}
	if name, _ := member(t, out); name != "5.4.0.btf" {
		t.Errorf("member %q", name)
	}
	bad := write(t, "k.deb", []byte("the mirror no longer has it"))
	if err := runArgs(t, []string{"--file=" + out, bad}, t.Output(), t.Output()); err == nil {
		t.Error("an input without kernel was accepted")
	}
	if err := runArgs(t, []string{"--file=" + out, "--keep-going", bad}, t.Output(), t.Output()); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(out); err != nil || info.Size() != 0 {
		t.Errorf("--keep-going leaves %v, %v; want an empty file", info, err)
	}
}
