package rootfs

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// tree makes files ("content"), links ("-> target") and pipes ("|") below a new
// directory and opens that.
func tree(t *testing.T, entries map[string]string) *FS {
	t.Helper()
	dir := t.TempDir()
	for name, what := range entries {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		var err error
		switch target, link := strings.CutPrefix(what, "-> "); {
		case link:
			err = os.Symlink(target, path)
		case what == "|":
			err = unix.Mkfifo(path, 0o600)
		default:
			err = os.WriteFile(path, []byte(what), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	fs, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fs.Close() })
	return fs
}

func TestLinksStayBelowTheRoot(t *testing.T) {
	fs := tree(t, map[string]string{
		"etc/passwd":    "inside",
		"lib/absolute":  "-> /etc/passwd",
		"lib/relative":  "-> ../etc/passwd",
		"lib/above":     "-> ../../../../../../etc/passwd",
		"lib/chain":     "-> /lib/absolute",
		"usr/lib":       "-> /lib",
		"loop":          "-> /loop",
		"lib/dir/inner": "deep",
	})
	for name, want := range map[string]string{
		"/lib/absolute": "inside", "lib/relative": "inside", "/lib/above": "inside", "/usr/lib/chain": "inside",
		"/../../lib/./dir/inner": "deep", "/usr/lib/dir/../dir//inner": "deep",
	} {
		f, err := fs.Open(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := io.ReadAll(f)
		f.Close()
		if err != nil || string(got) != want {
			t.Errorf("%s has %q, %v; want %q", name, got, err, want)
		}
	}
	if _, err := fs.Open("/loop"); err == nil {
		t.Error("a link to itself can be opened")
	}
}

func TestRefusesBlockingFiles(t *testing.T) {
	fs := tree(t, map[string]string{"pipe": "|"})
	if _, err := fs.Open("/pipe"); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a pipe: %v", err)
	}
	if _, err := fs.Open("/missing"); !os.IsNotExist(err) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestNoDescriptorLeak(t *testing.T) {
	fs := tree(t, map[string]string{"a/b/c": "x", "a/link": "-> /a/b/c"})
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	before := count()
	for range 20 {
		if _, err := fs.ReadFile("/a/link"); err != nil {
			t.Fatal(err)
		}
		_, _ = fs.Open("/a/b/missing")
	}
	if after := count(); after > before {
		t.Errorf("%d descriptors, before %d", after, before)
	}
}
