package btfhub_test

import (
	"archive/tar"
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/rules-gadget/rules_gadget/internal/btfhub"
)

// entry is a member of a test tar.
type entry struct {
	tar.Header
	data []byte
}

// archive returns an xz tar.
func archive(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	xw, err := xz.WriterConfig{DictCap: 1 << 20}.NewWriter(&buf)
	if err != nil {
		t.Fatal(err)
	}
	tw := tar.NewWriter(xw)
	for _, e := range entries {
		if e.Typeflag == 0 {
			e.Typeflag, e.Mode = tar.TypeReg, 0o644
		}
		e.Size = int64(len(e.data))
		if err := tw.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := xw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func file(name, data string) entry { return entry{tar.Header{Name: name}, []byte(data)} }

func TestReadArchive(t *testing.T) {
	tests := []struct {
		name string
		data []byte
		want string // of the error; empty for none
	}{
		{"good", archive(t, file("6.1.btf", "content")), ""},
		{"with ./", archive(t, file("./6.1.btf", "content")), ""},
		{"another name", archive(t, file("6.2.btf", "content")), `the member is "6.2.btf", want the file "6.1.btf"`},
		{"in a directory", archive(t, file("x/6.1.btf", "content")), "want the file"},
		{
			"a link", archive(t, entry{Header: tar.Header{Name: "6.1.btf", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}}),
			"want the file",
		},
		{"two members", archive(t, file("6.1.btf", "content"), file("6.1.btf", "other")), "more than one member"},
		{"no member", archive(t), "unexpected EOF"},
		{"no tar", archiveOf(t, []byte(strings.Repeat("x", 2000))), "reading the tar"},
		{"no xz", []byte("not compressed"), "unpacking"},
		{"nothing", nil, "unpacking"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := btfhub.ReadArchive(bytes.NewReader(tt.data), "6.1")
			if tt.want == "" && (err != nil || string(got) != "content") {
				t.Errorf("ReadArchive = %q, %v", got, err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("ReadArchive = %v, want %q", err, tt.want)
			}
		})
	}
}

func archiveOf(t testing.TB, raw []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	xw, err := xz.NewWriter(&buf)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := xw.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := xw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestBombs reads a few kilobytes that claim or unpack to too much.
func TestBombs(t *testing.T) {
	var head bytes.Buffer
	if err := tar.NewWriter(&head).WriteHeader(&tar.Header{
		Name: "6.1.btf", Typeflag: tar.TypeReg,
		Size: btfhub.MaxBTF,
	}); err != nil {
		t.Fatal(err)
	}
	zeros := archiveOf(t, make([]byte, 1<<20)) // a file may be several in a row
	xzBomb := append(archiveOf(t, head.Bytes()), bytes.Repeat(zeros, btfhub.MaxBTF>>20+2)...)
	if _, err := btfhub.ReadArchive(bytes.NewReader(xzBomb), "6.1"); err == nil ||
		!strings.Contains(err.Error(), "limit") {
		t.Errorf("xz bomb of %d bytes: %v", len(xzBomb), err)
	}
	head.Reset()
	if err := tar.NewWriter(&head).WriteHeader(&tar.Header{
		Name: "6.1.btf", Typeflag: tar.TypeReg,
		Size: 1 << 40,
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := btfhub.ReadArchive(bytes.NewReader(archiveOf(t, head.Bytes())), "6.1"); err == nil ||
		!strings.Contains(err.Error(), "claims") {
		t.Errorf("tar that claims a terabyte: %v", err)
	}
}

// TestWrittenArchive reads what WriteArchive writes.
func TestWrittenArchive(t *testing.T) {
	var buf bytes.Buffer
	if err := btfhub.WriteArchive(&buf, "6.1.0-1-amd64", []byte("some BTF")); err != nil {
		t.Fatal(err)
	}
	got, err := btfhub.ReadArchive(&buf, "6.1.0-1-amd64")
	if err != nil || string(got) != "some BTF" {
		t.Errorf("ReadArchive = %q, %v", got, err)
	}
}

func TestReadArchiveFileNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "6.1.btf.tar.xz")
	write(t, path, []byte("broken"))
	if _, err := btfhub.ReadArchiveFile(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("ReadArchiveFile = %v, want the path in it", err)
	}
}

// FuzzReadArchive feeds damaged archives.
func FuzzReadArchive(f *testing.F) {
	good := archive(f, file("6.1.btf", strings.Repeat("content ", 100)))
	f.Add(good)
	f.Add(slices.Concat(good, good))
	f.Add(archive(f, file("6.1.btf", ""), file("x", "y")))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := btfhub.ReadArchive(bytes.NewReader(data), "6.1")
		if err == nil && len(got) > btfhub.MaxBTF {
			t.Errorf("%d bytes came out", len(got))
		}
	})
}
