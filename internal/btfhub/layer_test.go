package btfhub_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
)

func id(distro, version string, a arch.Arch, release string) kernel.Identity {
	return kernel.Identity{Distro: distro, Version: version, Arch: a, Release: release}
}

// layer returns a layer in the form that WriteLayer has.
func layer(t testing.TB, entries ...btfhub.LayerEntry) *btfhub.Layer {
	t.Helper()
	gz, err := btfhub.WriteLayer(entries)
	if err != nil {
		t.Fatal(err)
	}
	l, err := btfhub.OpenLayer(gz)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// foreign returns a layer with these members, as other builders write it.
func foreign(t testing.TB, names ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	tw := tar.NewWriter(zw)
	for _, n := range names {
		h := &tar.Header{Name: n, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(n))}
		if strings.HasSuffix(n, "/") {
			h.Typeflag, h.Size = tar.TypeDir, 0
		}
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := io.WriteString(tw, n); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestWriteLayer(t *testing.T) {
	a := btfhub.LayerEntry{Kernel: id("debian", "12", arch.AMD64, "6.1"), BTF: []byte("a")}
	b := btfhub.LayerEntry{Kernel: id("amzn", "2", arch.ARM64, "4.14"), BTF: []byte("b")}
	one, err := btfhub.WriteLayer([]btfhub.LayerEntry{a, b, a})
	if err != nil {
		t.Fatal(err)
	}
	two, err := btfhub.WriteLayer([]btfhub.LayerEntry{b, a})
	if err != nil || !bytes.Equal(one, two) {
		t.Errorf("the order of entries shows in the layer, %v", err)
	}
	zr, err := gzip.NewReader(bytes.NewReader(one))
	if err != nil {
		t.Fatal(err)
	}
	var got []tar.Header
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.ModTime.Unix() != 0 || h.Uid != 0 || h.Gid != 0 || h.Typeflag != tar.TypeReg || h.Mode != 0o644 {
			t.Errorf("member %+v is not a plain file without time and owner", h)
		}
		got = append(got, tar.Header{Name: h.Name, Size: h.Size})
	}
	want := []tar.Header{{Name: "amzn/2/arm64/4.14.btf", Size: 1}, {Name: "debian/12/x86_64/6.1.btf", Size: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	a.BTF = []byte("c")
	if _, err := btfhub.WriteLayer([]btfhub.LayerEntry{a, b, {Kernel: a.Kernel, BTF: []byte("d")}}); err == nil {
		t.Error("two different BTFs of one kernel are taken")
	}
}

func TestFind(t *testing.T) {
	l := layer(t,
		btfhub.LayerEntry{Kernel: id("debian", "bullseye", arch.AMD64, "5.10.0-30-amd64"), BTF: []byte("deb11")},
		btfhub.LayerEntry{Kernel: id("amzn", "2", arch.ARM64, "4.14.aarch64"), BTF: []byte("amzn")},
		btfhub.LayerEntry{Kernel: id("ol", "8", arch.AMD64, "5.4.17"), BTF: []byte("ol8")},
		btfhub.LayerEntry{Kernel: id("ubuntu", "20.04", arch.AMD64, "5.4.0-1-aws"), BTF: []byte("focal")},
		btfhub.LayerEntry{Kernel: id("ubuntu", "18.04", arch.AMD64, "5.4.0-1-aws"), BTF: []byte("bionic")},
		btfhub.LayerEntry{Kernel: id("centos", "7", arch.AMD64, "3.10.0"), BTF: []byte("same")},
		btfhub.LayerEntry{Kernel: id("rhel", "7", arch.AMD64, "3.10.0"), BTF: []byte("same")},
		btfhub.LayerEntry{Kernel: id("debian", "9", arch.AMD64, "4.9"), BTF: []byte("deb")},
		btfhub.LayerEntry{Kernel: id("fedora", "9", arch.AMD64, "4.9"), BTF: []byte("fed")},
	)
	tests := []struct {
		name string
		id   kernel.Identity
		want string // BTF; empty for none
	}{
		{"codename", id("debian", "11", arch.AMD64, "5.10.0-30-amd64"), "deb11"},
		{"arm64 is aarch64", id("amzn", "2", arch.ARM64, "4.14.aarch64"), "amzn"},
		{"major number", id("ol", "8.9", arch.AMD64, "5.4.17"), "ol8"},
		{"exact version of two", id("ubuntu", "18.04", arch.AMD64, "5.4.0-1-aws"), "bionic"},
		{"release alone", id("linuxmint", "19", arch.AMD64, "5.10.0-30-amd64"), "deb11"},
		{"no os-release", id("", "", arch.AMD64, "5.4.17"), "ol8"},
		{"other arch", id("debian", "11", arch.ARM64, "5.10.0-30-amd64"), ""},
		{"release of two versions", id("ubuntu", "19.10", arch.AMD64, "5.4.0-1-aws"), ""},
		{"release of two, equal contents", id("rocky", "7", arch.AMD64, "3.10.0"), "same"},
		{"release of two, same distribution", id("debian", "8", arch.AMD64, "4.9"), "deb"},
		{"unknown", id("debian", "11", arch.AMD64, "5.10.0-31-amd64"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, got, err := l.Find(tt.id)
			if string(got) != tt.want {
				t.Errorf("Find = %q, %v, want %q", got, err, tt.want)
			}
			if notFound := (*btfhub.NotFoundError)(nil); tt.want == "" && !errors.As(err, &notFound) {
				t.Errorf("Find = %v, want a NotFoundError", err)
			}
		})
	}
}

func TestNotFoundError(t *testing.T) {
	l := layer(t,
		btfhub.LayerEntry{Kernel: id("debian", "12", arch.AMD64, "6.1.0-10-amd64")},
		btfhub.LayerEntry{Kernel: id("debian", "bullseye", arch.AMD64, "5.10.0-30-amd64")},
		btfhub.LayerEntry{Kernel: id("debian", "bullseye", arch.ARM64, "5.10.0-31-arm64")},
	)
	_, _, err := l.Find(id("debian", "11", arch.AMD64, "5.10.0-31-amd64"))
	var e *btfhub.NotFoundError
	if !errors.As(err, &e) {
		t.Fatalf("Find = %v", err)
	}
	if e.Total != 3 || e.Nearest[0] != "debian/bullseye/x86_64/5.10.0-30-amd64.btf" {
		t.Errorf("error is %+v", e)
	}
	for _, part := range []string{
		"debian 11 amd64 5.10.0-31-amd64", "debian/bullseye/x86_64/5.10.0-31-amd64.btf",
		"nearest:",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not have %q", err, part)
		}
	}
}

// TestForeignLayers reads what other builders write: flat, with "./", with
// directories and other files.
func TestForeignLayers(t *testing.T) {
	l, err := btfhub.OpenLayer(foreign(t, "./", "./5.10.0-30-amd64.btf", "debian/", "debian/12/x86_64/6.1.btf",
		"notes.txt", "../evil.btf"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"5.10.0-30-amd64.btf", "debian/12/x86_64/6.1.btf"}, l.Names()); diff != "" {
		t.Errorf("Names (-want +got):\n%s", diff)
	}
	path, got, err := l.Find(id("debian", "11", arch.AMD64, "5.10.0-30-amd64"))
	if err != nil || path != "5.10.0-30-amd64.btf" || string(got) != "./5.10.0-30-amd64.btf" {
		t.Errorf("Find = %q, %q, %v", path, got, err)
	}
	if _, err := l.Read("nothing.btf"); err == nil {
		t.Error("Read of a missing entry succeeds")
	}
	if _, err := btfhub.OpenLayer([]byte("no gzip")); err == nil {
		t.Error("OpenLayer of garbage succeeds")
	}
}

// FuzzOpenLayer feeds damaged layers.
func FuzzOpenLayer(f *testing.F) {
	f.Add(foreign(f, "./", "./5.10.0-30-amd64.btf", "debian/12/x86_64/6.1.btf"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := btfhub.OpenLayer(data)
		if err != nil {
			return
		}
		_, _, err = l.Find(id("debian", "11", arch.AMD64, "5.10.0-30-amd64"))
		if err != nil && len(l.Names()) > 0 && err.Error() == "" {
			t.Error("an error without words")
		}
	})
}
