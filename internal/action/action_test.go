package action_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

func TestArgsExpandsOneParamsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.params")
	for content, want := range map[string][]string{
		"--a=1\n--b=two words\n\n@c\n": {"--a=1", "--b=two words", "", "@c"},
		"--a":                          {"--a"},
		"":                             nil,
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := action.Args([]string{"@" + file})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", content, diff)
		}
	}
}

func TestArgsKeepsOtherCommandLines(t *testing.T) {
	for _, args := range [][]string{nil, {"--a"}, {"@a", "@b"}, {"--x", "@a"}} {
		got, err := action.Args(args)
		if err != nil || !cmp.Equal(got, args) {
			t.Errorf("Args(%q) = %q, %v", args, got, err)
		}
	}
	if _, err := action.Args([]string{"@/no/such/file"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want that the file does not exist", err)
	}
}

func TestReadFileLimit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(file, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := action.ReadFile(file, 5); err != nil || string(data) != "12345" {
		t.Errorf("at the limit: %q, %v", data, err)
	}
	if _, err := action.ReadFile(file, 4); err == nil || !strings.Contains(err.Error(), "more than 4 bytes") {
		t.Errorf("over the limit: %v", err)
	}
}

func TestWriteFileReplacesWholeFiles(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x")
	for _, content := range []string{"first", "2"} {
		if err := action.WriteFile(file, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(file); err != nil || string(data) != content {
			t.Errorf("%q, %v", data, err)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v; want 0644 whatever the umask", info.Mode(), err)
	}
}

func TestWriteStreamRemovesFilesOnFailure(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x")
	if err := action.WriteFile(file, []byte("old")); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("cause")
	err := action.WriteStream(file, func(w io.Writer) error {
		if _, err := io.WriteString(w, "half"); err != nil {
			return err
		}
		return cause
	})
	if !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("files %v, %v; want only the old one", entries, err)
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != "old" {
		t.Errorf("the old file became %q, %v", data, err)
	}
	if err := action.WriteFile(filepath.Join(dir, "no", "x"), nil); err == nil {
		t.Error("a missing directory is not an error")
	}
}

func TestJSONIsDeterministic(t *testing.T) {
	got, err := action.JSON(map[string]any{"b": "<&>", "a": []int{1}})
	if want := `{"a":[1],"b":"<&>"}` + "\n"; err != nil || string(got) != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if _, err := action.JSON(func() {}); err == nil {
		t.Error("a function was encoded")
	}
}

func writeTar(t *testing.T, entries ...action.Entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := action.WriteTar(&buf, entries); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestWriteTarSortedWithoutTime(t *testing.T) {
	stream := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("streamed")), nil }
	a := action.Entry{Name: "a/b", Data: []byte("1")}
	b := action.Entry{Name: "a.x", Open: stream, Size: 8}
	long := action.Entry{Name: strings.Repeat("long/", 60) + "name", Data: []byte("2"), Mode: 0o755}
	dir := action.Entry{Name: "tmp", Mode: 0o1777, Directory: true}
	data := writeTar(t, a, b, dir, long)
	if !bytes.Equal(data, writeTar(t, long, dir, b, a)) {
		t.Error("the order of the entries changes the tar")
	}
	got := []string{}
	tr := tar.NewReader(bytes.NewReader(data))
	for h, err := tr.Next(); err == nil; h, err = tr.Next() {
		content, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		if h.ModTime.Unix() != 0 || h.Uid != 0 || h.Gid != 0 || h.Uname+h.Gname != "" {
			t.Errorf("header %+v", h)
		}
		got = append(got, h.Name+" "+string(content)+" "+h.FileInfo().Mode().String()+" "+h.Format.String())
	}
	want := []string{
		"a.x streamed -rw-r--r-- USTAR", "a/b 1 -rw-r--r-- USTAR", long.Name + " 2 -rwxr-xr-x PAX", "tmp/  dtrwxrwxrwx USTAR",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestWriteTarRefuses(t *testing.T) {
	for _, name := range []string{"", "/a", "a/", "./a", "a/../b", "..", "a//b", "a\x00"} {
		if err := action.WriteTar(io.Discard, []action.Entry{{Name: name}}); err == nil {
			t.Errorf("name %q was written", name)
		}
	}
	if err := action.WriteTar(io.Discard, []action.Entry{{Name: "a"}, {Name: "a", Directory: true}}); err == nil {
		t.Error("a name was written twice")
	}
	short := action.Entry{Name: "a", Size: 5, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("x")), nil
	}}
	if err := action.WriteTar(io.Discard, []action.Entry{short}); err == nil {
		t.Error("content shorter than its size was written")
	}
}

func TestGzipDeterministic(t *testing.T) {
	data := bytes.Repeat([]byte("some text "), 1000)
	packed, err := action.Gzip(data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := action.Gzip(data)
	if err != nil || !bytes.Equal(packed, again) {
		t.Errorf("two runs differ: %v", err)
	}
	// Flags and time of the header are zero.
	if !bytes.Equal(packed[:8], []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0}) {
		t.Errorf("header % x", packed[:10])
	}
	zr, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(zr); err != nil || !bytes.Equal(got, data) {
		t.Errorf("it does not unpack: %v", err)
	}
}
