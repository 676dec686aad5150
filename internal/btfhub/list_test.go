package btfhub_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
)

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func link(t testing.TB, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

func TestPaths(t *testing.T) {
	id := kernel.Identity{Distro: "amzn", Version: "2", Arch: arch.ARM64, Release: "4.14.101-91.76.amzn2.aarch64"}
	path := "amzn/2/arm64/4.14.101-91.76.amzn2.aarch64.btf.tar.xz"
	if got := btfhub.ArchivePath(id); got != path {
		t.Errorf("ArchivePath = %q, want %q", got, path)
	}
	if got, err := btfhub.ParseArchivePath(path); err != nil || got != id {
		t.Errorf("ParseArchivePath = %v, %v", got, err)
	}
	if got := btfhub.LayerPath(id); got != "amzn/2/arm64/4.14.101-91.76.amzn2.aarch64.btf" {
		t.Errorf("LayerPath = %q", got)
	}
	for _, bad := range []string{
		"", "x.btf.tar.xz", "debian/12/aarch64/6.1.btf.tar.xz", "debian/12/amd64/6.1.btf.tar.xz", "debian/12/x86_64/6.1.btf",
		"debian/../x86_64/6.1.btf.tar.xz", "/debian/12/x86_64/6.1.btf.tar.xz", "debian/12/x86_64/.btf.tar.xz",
		"a/debian/12/x86_64/6.1.btf.tar.xz",
	} {
		if got, err := btfhub.ParseArchivePath(bad); err == nil {
			t.Errorf("ParseArchivePath(%q) = %v, want an error", bad, got)
		}
	}
}

// TestListNoKernelTwice has the symbolic links of the public archive: version
// directories under codenames, and a tree whose files are all links.
func TestListNoKernelTwice(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "ubuntu/18.04/x86_64/4.15.btf.tar.xz"), nil)
	write(t, filepath.Join(root, "ubuntu/18.04/arm64/4.15.btf.tar.xz"), nil)
	write(t, filepath.Join(root, "amzn/2018/x86_64/4.14.btf.tar.xz"), nil)
	write(t, filepath.Join(root, "README.md"), nil)
	write(t, filepath.Join(root, "ubuntu/18.04/x86_64/notes.txt"), nil)
	write(t, filepath.Join(root, "ubuntu/18.04/mips/4.15.btf.tar.xz"), nil)
	link(t, "18.04", filepath.Join(root, "ubuntu/bionic"))
	link(t, "2018", filepath.Join(root, "amzn/1"))
	link(t, "nowhere", filepath.Join(root, "amzn/0"))
	link(t, "..", filepath.Join(root, "amzn/up"))
	outside := t.TempDir()
	write(t, filepath.Join(outside, "real"), nil)
	if err := os.MkdirAll(filepath.Join(root, "debian/12/x86_64"), 0o755); err != nil {
		t.Fatal(err)
	}
	link(t, filepath.Join(outside, "real"), filepath.Join(root, "debian/12/x86_64/6.1.btf.tar.xz"))
	list, err := btfhub.List(root)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range list {
		rel, err := filepath.Rel(root, a.Path)
		if err != nil {
			t.Fatal(err)
		}
		if rel != btfhub.ArchivePath(a.Kernel) {
			t.Errorf("%q is listed as %v", rel, a.Kernel)
		}
		got = append(got, rel)
	}
	want := []string{
		"amzn/2018/x86_64/4.14.btf.tar.xz", "debian/12/x86_64/6.1.btf.tar.xz",
		"ubuntu/18.04/arm64/4.15.btf.tar.xz", "ubuntu/18.04/x86_64/4.15.btf.tar.xz",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
}

func TestListMissingDirectory(t *testing.T) {
	if _, err := btfhub.List(filepath.Join(t.TempDir(), "nothing")); err == nil {
		t.Error("List of a missing directory succeeds")
	}
}
