package runner_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

func TestHostileArchives(t *testing.T) {
	layout := func(w *tar.Writer, index string) {
		file(w, "oci-layout", `{"imageLayoutVersion":"1.0.0"}`)
		file(w, "index.json", index)
	}
	root := `{"schemaVersion":2,"manifests":[` + descriptor(ocispec.MediaTypeImageManifest, "lie") + `]}`
	blob := "blobs/sha256/" + oci.Describe("", []byte("lie")).Digest.Encoded()
	for name, tc := range map[string]struct {
		write func(*tar.Writer)
		want  string
	}{
		"a link in place of a blob": {func(w *tar.Writer) {
			_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: blob, Linkname: "/etc/passwd"})
			layout(w, root)
		}, "is missing"},
		"a hard link in place of the index": {func(w *tar.Writer) {
			file(w, "oci-layout", `{"imageLayoutVersion":"1.0.0"}`)
			_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeLink, Name: "index.json", Linkname: "../../etc/passwd"})
		}, "index.json"},
		"a path as digest": {func(w *tar.Writer) {
			layout(w, `{"schemaVersion":2,"manifests":[{"mediaType":"`+ocispec.MediaTypeImageManifest+
				`","size":3,"digest":"sha256:../../../../etc/passwd"}]}`)
		}, "digest"},
		"a blob of other content": {func(w *tar.Writer) {
			layout(w, root)
			file(w, blob, "LIE")
		}, "is corrupt"},
		"70,000 entries": {func(w *tar.Writer) {
			for i := range 70_000 {
				_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: fmt.Sprint(i)})
			}
		}, "more than"},
		"names of half a megabyte": {func(w *tar.Writer) {
			for i := range 200 {
				_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: fmt.Sprint(i) + strings.Repeat("x", 1<<19)})
			}
		}, "name of more than"},
		"an index of 600 MB": {func(w *tar.Writer) {
			file(w, "oci-layout", `{"imageLayoutVersion":"1.0.0"}`)
			_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "index.json", Size: 600 << 20})
			_, _ = io.CopyN(w, zeros{}, 600<<20)
		}, "more than"},
		"an index that is a tower of brackets": {func(w *tar.Writer) {
			layout(w, strings.Repeat("[", 16<<20-1))
		}, "index.json"},
		"an index.json of a million descriptors": {func(w *tar.Writer) {
			layout(w, `{"schemaVersion":2,"manifests":[`+strings.Repeat("{},", 1<<20)+`{}]}`)
		}, "elements, at most 16384"},
		"an index of a million descriptors": {func(w *tar.Writer) {
			list := `{"schemaVersion":2,"manifests":[` + strings.Repeat("{},", 1<<20) + `{}]}`
			file(w, "blobs/sha256/"+oci.Describe("", []byte(list)).Digest.Encoded(), list)
			layout(w, `{"schemaVersion":2,"manifests":[`+descriptor(ocispec.MediaTypeImageIndex, list)+`]}`)
		}, "elements, at most 16384"},
		"a million docker images": {func(w *tar.Writer) {
			file(w, "manifest.json", `[`+strings.Repeat("{},", 1<<20)+`{}]`)
		}, "elements, at most 64"},
		"one layer in many docker images": {func(w *tar.Writer) {
			var layer bytes.Buffer
			inner := tar.NewWriter(&layer)
			file(inner, "a", strings.Repeat("x", 8<<20))
			_ = inner.Close()
			file(w, "layer.tar", layer.String())
			file(w, "manifest.json", `[`+many(60, func(int) string { return `{"Layers":["layer.tar","layer.tar"]}` })+`]`)
		}, "layers, at most"},
		"a sparse file in a docker image": {func(w *tar.Writer) {
			sparse(w, "GNUSparseFile.0/sparse", 1<<20)
			file(w, "manifest.json", `[]`)
		}, "sparse"},
		"600 MB in a docker image": {func(w *tar.Writer) {
			_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "a", Size: 600 << 20})
			_, _ = io.CopyN(w, zeros{}, 600<<20)
			file(w, "manifest.json", `[]`)
		}, "bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t)
			archive := filepath.Join(v.dir, "archive.tar.gz")
			data := gzipped(t, func(w io.Writer) {
				if strings.Contains(name, "sparse") {
					w = renamer{w}
				}
				tw := tar.NewWriter(w)
				tc.write(tw)
				if err := tw.Close(); err != nil {
					t.Fatal(err)
				}
			})
			if err := os.WriteFile(archive, data, 0o600); err != nil {
				t.Fatal(err)
			}
			v.refuses(t, tc.want, "image", "load", "--tag", "hostile", archive)
			if left, _ := filepath.Glob(filepath.Join(v.dir, "gadget-run-*")); len(left) > 0 {
				t.Errorf("left over: %q", left)
			}
		})
	}
	for name, tc := range map[string]struct {
		data []byte
		want string
	}{
		"zeros":      {gzipped(t, func(w io.Writer) { _, _ = io.CopyN(w, zeros{}, 1<<30) }), "not an OCI layout"},
		"ones":       {gzipped(t, func(w io.Writer) { _, _ = io.CopyN(w, ones{}, 1<<30) }), "reading tar"},
		"xz magic":   {append([]byte("\xfd7zXZ\x00"), make([]byte, 1000)...), "reading tar"},
		"zstd magic": {append([]byte("\x28\xb5\x2f\xfd"), make([]byte, 1000)...), "reading tar"},
	} {
		t.Run("compressed "+name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t)
			archive := filepath.Join(v.dir, "archive")
			if err := os.WriteFile(archive, tc.data, 0o600); err != nil {
				t.Fatal(err)
			}
			v.refuses(t, tc.want, "image", "load", "--tag", "hostile", archive)
		})
	}
}

// zeros and ones are readers without end.
type (
	zeros struct{}
	ones  struct{}
)

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func (ones) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '1'
	}
	return len(p), nil
}

// renamer turns the records of sparse into those that are meant.
type renamer struct{ w io.Writer }

func (r renamer) Write(p []byte) (int, error) {
	if _, err := r.w.Write(bytes.ReplaceAll(p, []byte("LNU.sparse"), []byte("GNU.sparse"))); err != nil {
		return 0, err
	}
	return len(p), nil
}

func gzipped(t *testing.T, write func(io.Writer)) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	write(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func file(w *tar.Writer, name, data string) {
	_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(data)), Mode: 0o644})
	_, _ = io.WriteString(w, data)
}

// sparse writes a file of no bytes that claims to be of size: the records that
// declare that pose as those of another vendor and get their names afterwards, since
// the writer refuses them.
func sparse(w *tar.Writer, name string, size int64) {
	_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Format: tar.FormatPAX, PAXRecords: map[string]string{
		"LNU.sparse.major": "1", "LNU.sparse.minor": "0", "LNU.sparse.name": "a", "LNU.sparse.realsize": fmt.Sprint(size),
	}, Size: 512})
	_, _ = w.Write(append([]byte("0\n"), make([]byte, 510)...))
}

func tarOfZeros(w io.Writer, size int64) {
	tw := tar.NewWriter(w)
	_ = tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "debian/12/x86_64/6.1.btf", Size: size})
	_, _ = io.CopyN(tw, zeros{}, size)
	_ = tw.Close()
}

func tarOfFiles(w io.Writer, count, name int) {
	tw := tar.NewWriter(w)
	for i := range count {
		file(tw, fmt.Sprintf("debian/12/x86_64/%0*d.btf", name, i), "")
	}
	_ = tw.Close()
}

// tarOfEscapes is a layer whose members escape the directory.
func tarOfEscapes(w io.Writer) {
	tw := tar.NewWriter(w)
	for _, name := range []string{"../../evil.btf", "/evil.btf", "a/../../../evil.btf", "./../evil.btf"} {
		file(tw, name, "evil")
	}
	_ = tw.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: "debian", Linkname: "../.."})
	file(tw, "debian/evil.btf", "evil")
	_ = tw.WriteHeader(&tar.Header{Typeflag: tar.TypeLink, Name: "link.btf", Linkname: "../../../etc/passwd"})
	_ = tw.Close()
}
