package deb

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

const control = "Package: linux-image-1\nVersion: 1-2\nArchitecture: arm64\nDescription: a\n Package: not this\n"

func tarball(t testing.TB, files ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	for i := 0; i < len(files); i += 2 {
		if err := tw.WriteHeader(&tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, files[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func pack(t testing.TB, suffix string, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	var w io.WriteCloser
	var err error
	switch suffix {
	case "":
		return data
	case ".gz":
		w = gzip.NewWriter(&buf)
	case ".xz":
		w, err = xz.NewWriter(&buf)
	case ".zst":
		w, err = zstd.NewWriter(&buf)
	}
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func ar(members ...string) []byte {
	out := []byte(arMagic)
	for i := 0; i < len(members); i += 2 {
		out = fmt.Appendf(out, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", members[i], 0, 0, 0, "100644", len(members[i+1]))
		out = append(out, members[i+1]...)
		if len(members[i+1])%2 == 1 {
			out = append(out, '\n')
		}
	}
	return out
}

func debFile(t testing.TB, suffix string) []byte {
	return ar("debian-binary", "2.0\n\n", "control.tar"+suffix,
		string(pack(t, suffix, tarball(t, "./md5sums", "x", "./control", control))),
		"data.tar"+suffix, string(pack(t, suffix, tarball(t, "./boot/vmlinuz-1", "kernel", "./usr/x", "y"))))
}

func TestRead(t *testing.T) {
	for _, suffix := range []string{"", ".gz", ".xz", ".zst"} {
		t.Run("data.tar"+suffix, func(t *testing.T) {
			got := map[string]string{}
			ctl, err := Read(bytes.NewReader(debFile(t, suffix)), func(h *tar.Header, r io.Reader) error {
				data, err := io.ReadAll(r)
				got[h.Name] = string(data)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Control{"linux-image-1", "1-2", "arm64"}, ctl); diff != "" {
				t.Errorf("control (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[string]string{"boot/vmlinuz-1": "kernel", "usr/x": "y"}, got); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadStopsEarly(t *testing.T) {
	n := 0
	ctl, err := Read(bytes.NewReader(debFile(t, ".xz")), func(*tar.Header, io.Reader) error { n++; return fs.SkipAll })
	if err != nil || n != 1 || ctl.Version != "1-2" {
		t.Errorf("Read = %v, %v after %d entries", ctl, err, n)
	}
}

func TestReadRefuses(t *testing.T) {
	whole := debFile(t, ".xz")
	visit := func(*tar.Header, io.Reader) error { return nil }
	for name, data := range map[string][]byte{
		"empty":          nil,
		"no ar":          []byte("hello, world"),
		"no members":     []byte(arMagic),
		"truncated":      whole[:len(whole)-100],
		"data first":     ar("data.tar", string(tarball(t))),
		"no data":        ar("control.tar", string(tarball(t, "control", control))),
		"no control":     ar("control.tar", string(tarball(t, "md5sums", ""))),
		"empty control":  ar("control.tar", string(tarball(t, "control", ""))),
		"negative size":  bytes.Replace(whole, []byte("5         `"), []byte("-5        `"), 1),
		"bad end mark":   bytes.Replace(whole, []byte("`\n"), []byte("``"), 1),
		"damaged stream": bytes.Replace(whole, []byte("7zXZ"), []byte("7zXY"), 2),
	} {
		if _, err := Read(bytes.NewReader(data), visit); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := Read(bytes.NewReader([]byte("hello, world")), visit); !errors.Is(err, ErrNotDeb) {
		t.Errorf("a text file gives %v, want ErrNotDeb", err)
	}
}

func FuzzRead(f *testing.F) {
	for _, suffix := range []string{"", ".gz", ".xz", ".zst"} {
		f.Add(debFile(f, suffix))
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = Read(bytes.NewReader(data), func(_ *tar.Header, r io.Reader) error {
			_, err := io.Copy(io.Discard, io.LimitReader(r, 1<<20))
			return err
		})
	})
}
