package toolchain_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/pinned"
	"github.com/rules-gadget/rules_gadget/internal/toolchain"
)

// zipped returns an archive of files below a module's name.
func zipped(t testing.TB, names ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, name := range names {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const goModule = "golang.org/toolchain@v0.0.1-go1.linux-amd64/"

// pinnedGo is a pinned toolchain whose archive has these bytes.
func pinnedGo(cache string, archive []byte, fetched *int) toolchain.Pinned {
	return toolchain.Pinned{Cache: cache, Host: arch.AMD64, Fetch: func(context.Context, pinned.Package) ([]byte, error) {
		*fetched++
		return archive, nil
	}}
}

func TestPinnedGo(t *testing.T) {
	archive := zipped(t, goModule+"VERSION", goModule+"bin/go", goModule+"pkg/tool/linux_amd64/compile", goModule+
		"src/fmt/print.go",
		goModule+"src/fmt/print_test.go", goModule+"src/go/testdata/x.go", goModule+"src/cmd/go/main.go", goModule+
			"test/x.go", goModule+"lib/time/zoneinfo.zip")
	fetched := 0
	p := pinnedGo(t.TempDir(), archive, &fetched)
	root, err := p.Go(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := p.Go(t.Context()); err != nil || again != root || fetched != 1 {
		t.Errorf("the second time: %q, %v, fetched %d times; want %q", again, err, fetched, root)
	}
	var got []string
	err = fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		got = append(got, name+" "+info.Mode().String())
		return err
	})
	want := []string{
		"VERSION -rw-r--r--", "bin/go -rwxr-xr-x", "lib/time/zoneinfo.zip -rw-r--r--",
		"pkg/tool/linux_amd64/compile -rwxr-xr-x",
		"src/fmt/print.go -rw-r--r--",
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestPinnedGoRefused(t *testing.T) {
	for name, archive := range map[string][]byte{
		"no archive":            []byte("text"),
		"a file outside":        zipped(t, goModule+"bin/../../../escaped"),
		"the same file again":   zipped(t, goModule+"bin/go", goModule+"bin/go"),
		"a file as a directory": zipped(t, goModule+"bin/go", goModule+"bin/go/x"),
	} {
		cache, fetched := t.TempDir(), 0
		p := pinnedGo(filepath.Join(cache, "inner"), archive, &fetched)
		if root, err := p.Go(t.Context()); err == nil {
			t.Errorf("%s: unpacked into %q", name, root)
		}
		for _, left := range []string{"escaped", "inner/escaped"} {
			if _, err := os.Stat(filepath.Join(cache, left)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %s was written", name, left)
			}
		}
	}
}

func TestGoNotFound(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	none := func(string) string { return "" }
	for _, tc := range []struct {
		path, root string
		err        error
		want       string
	}{
		{"", "", toolchain.ErrNoProxy, "PATH has no Go toolchain, and GOPROXY names no module proxy"},
		{"pinned", "", toolchain.ErrNoProxy, "GOPROXY names no module proxy"},
		{"", "/no/such", nil, `asking "/no/such/bin/go"`},
	} {
		g := toolchain.Go{
			Path: tc.path, Getenv: none, PinnedIdentity: "pinned",
			Pinned: func(context.Context) (string, error) { return tc.root, tc.err },
		}
		if _, err := g.Toolchain(t.Context()); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("--go %q: got %v, want %q", tc.path, err, tc.want)
		}
		if id := g.Identity(t.Context()); id != "pinned" {
			t.Errorf("--go %q: got identity %q", tc.path, id)
		}
	}
}

func TestGoPackage(t *testing.T) {
	for _, a := range arch.All() {
		p, err := toolchain.GoPackage(a)
		if err != nil || p.Size == 0 || len(p.SHA256) != 64 || !strings.Contains(p.Path, "go"+p.Version+".linux-"+a.String()+
			".zip") {
			t.Errorf("%s: got %+v, %v", a, p, err)
		}
	}
}

func TestProxies(t *testing.T) {
	for in, want := range map[string][]string{
		"": nil, "off": nil, "direct": nil, "file:///x": nil,
		"https://one.example/,direct":                   {"https://one.example"},
		"http://one.example|https://two.example/go,off": {"http://one.example", "https://two.example/go"},
	} {
		got, err := toolchain.Proxies(func(string) string { return in })
		if !slices.Equal(got, want) || (err != nil) != (want == nil) {
			t.Errorf("%q: got %q, %v, want %q", in, got, err, want)
		}
	}
}

// FuzzPinnedGo unpacks an archive, from which nothing gets out of the cache.
func FuzzPinnedGo(f *testing.F) {
	f.Add(zipped(f, goModule+"bin/go", goModule+"src/x.go"))
	f.Add(zipped(f, "a@b/../../x", "a@b//bin/x"))
	f.Fuzz(func(t *testing.T, archive []byte) {
		outer, fetched := t.TempDir(), 0
		_, _ = pinnedGo(filepath.Join(outer, "cache"), archive, &fetched).Go(t.Context())
		entries, err := os.ReadDir(outer)
		if err != nil || len(entries) > 1 {
			t.Errorf("next to the cache there are %v, %v", entries, err)
		}
	})
}
