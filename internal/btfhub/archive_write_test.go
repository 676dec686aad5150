package btfhub

import (
	"archive/tar"
	"bytes"
	"io"
	"testing"

	"github.com/therootcompany/xz"
)

func TestWriteArchive(t *testing.T) {
	btf := bytes.Repeat([]byte("some BTF "), 1000)
	var a, b bytes.Buffer
	for _, w := range []io.Writer{&a, &b} {
		if err := WriteArchive(w, "6.1.0-9-amd64", btf); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("two archives of the same BTF differ")
	}
	z, err := xz.NewReader(&a, 0)
	if err != nil {
		t.Fatal(err)
	}
	tr := tar.NewReader(z)
	h, err := tr.Next()
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(tr)
	if err != nil || !bytes.Equal(got, btf) {
		t.Errorf("the member has %d bytes, %v", len(got), err)
	}
	if h.Name != "6.1.0-9-amd64.btf" || h.ModTime.Unix() != 0 || h.Uid != 0 || h.Mode != 0o644 {
		t.Errorf("the member is %q, %v, uid %d, mode %o", h.Name, h.ModTime, h.Uid, h.Mode)
	}
	if _, err := tr.Next(); err != io.EOF {
		t.Errorf("after the member: %v, want EOF", err)
	}
}

func TestWriteArchiveRefuses(t *testing.T) {
	for _, release := range []string{"", "a/b", "a\x00"} {
		if err := WriteArchive(io.Discard, release, []byte("x")); err == nil {
			t.Errorf("release %q was accepted", release)
		}
	}
	if err := WriteArchive(io.Discard, "6.1", nil); err == nil {
		t.Error("empty BTF was accepted")
	}
}
