package archive_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/archive"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

func export(t testing.TB, format archive.Format, ref string) []byte {
	t.Helper()
	blobs, root := artifact(t)
	var buf bytes.Buffer
	if err := archive.Export(context.Background(), &buf, blobs, root,
		archive.ExportOptions{Format: format, Ref: ref}); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// tarNames returns the names of a tar, and fails when an entry depends on when
// or by whom it was written.
func tarNames(t *testing.T, data []byte) []string {
	t.Helper()
	out := []string{}
	tr := tar.NewReader(bytes.NewReader(data))
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.ModTime.Unix() != 0 || h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Mode != 0o644 {
			t.Errorf("%s: %+v", h.Name, h)
		}
		out = append(out, h.Name)
	}
}

func TestExportImport(t *testing.T) {
	_, root := artifact(t)
	for _, tc := range []struct {
		format archive.Format
		ref    string
	}{
		{archive.FormatOCI, "name:v1"},
		{archive.FormatOCI, ""},
		{archive.FormatDocker, "example.com/name:v1"},
		{archive.FormatDocker, ""},
	} {
		t.Run(string(tc.format)+tc.ref, func(t *testing.T) {
			data := export(t, tc.format, tc.ref)
			if !bytes.Equal(data, export(t, tc.format, tc.ref)) {
				t.Error("two exports differ")
			}
			file := filepath.Join(t.TempDir(), "x.tar")
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			checkImport(t, file, root, tc.ref)
		})
	}
}

func TestExportLocalImport(t *testing.T) {
	blobs, root := artifact(t)
	dir := filepath.Join(t.TempDir(), "out")
	if err := archive.ExportLocal(context.Background(), dir, blobs, root); err != nil {
		t.Fatal(err)
	}
	checkImport(t, dir, root, "")
}

func TestImportLayoutDirectory(t *testing.T) {
	blobs, root := artifact(t)
	dir := t.TempDir()
	if err := oci.CopyLayout(context.Background(), dir, blobs, root); err != nil {
		t.Fatal(err)
	}
	checkImport(t, dir, root, "")
}

func checkImport(t *testing.T, name string, root ocispec.Descriptor, ref string) {
	t.Helper()
	in, err := archive.Import(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if len(in.Roots) != 1 || in.Roots[0].Digest != root.Digest {
		t.Fatalf("roots %v, want %s", in.Roots, root.Digest)
	}
	if got := in.Roots[0].Annotations[ocispec.AnnotationRefName]; got != ref {
		t.Errorf("it is named %q, want %q", got, ref)
	}
	for _, a := range arch.All() {
		if _, err := gadget.Load(context.Background(), in, in.Roots[0], a); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
}

func TestExportTarHoldsTheFiles(t *testing.T) {
	want := []string{
		"amd64/btf.tar.gz", "amd64/program.bpf.o", "arm64/btf.tar.gz", "arm64/program.bpf.o", "gadget.yaml", "program.wasm",
	}
	if diff := cmp.Diff(want, tarNames(t, export(t, archive.FormatTar, ""))); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestExportDocker(t *testing.T) {
	data := export(t, archive.FormatDocker, "example.com:5000/name")
	files := map[string][]byte{}
	tr := tar.NewReader(bytes.NewReader(data))
	for h, err := tr.Next(); err == nil; h, err = tr.Next() {
		files[h.Name], _ = io.ReadAll(tr)
	}
	var images []struct {
		Config           string
		RepoTags, Layers []string
	}
	if err := json.Unmarshal(files["manifest.json"], &images); err != nil || len(images) != 2 {
		t.Fatalf("%d images, %v", len(images), err)
	}
	if diff := cmp.Diff([]string{"example.com:5000/name:latest-amd64"}, images[0].RepoTags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	for _, image := range images {
		var config ocispec.Image
		if err := json.Unmarshal(files[image.Config], &config); err != nil {
			t.Fatal(err)
		}
		layer := files[image.Layers[0]]
		if got := oci.Describe("", layer).Digest; len(config.RootFS.DiffIDs) != 1 || config.RootFS.DiffIDs[0] != got {
			t.Errorf("diff ids %v, the layer has %s", config.RootFS.DiffIDs, got)
		}
		want := []string{
			"artifact/" + config.Architecture + ".json", "artifact/index.json", "btf.tar.gz", "gadget.yaml", "program.bpf.o",
			"program.wasm",
		}
		if diff := cmp.Diff(want, tarNames(t, layer)); diff != "" {
			t.Errorf("files of the layer (-want +got):\n%s", diff)
		}
	}
}

func TestExportOfForeignLayersAndBareManifests(t *testing.T) {
	blobs, root := change(t, func(m *ocispec.Manifest) {
		m.Layers = append(m.Layers, oci.Describe("x/y", []byte("y")))
		m.Config = ocispec.DescriptorEmptyJSON
	})
	root.Platform = &ocispec.Platform{OS: "linux", Architecture: "amd64"}
	dir := t.TempDir()
	if err := archive.ExportLocal(context.Background(), dir, blobs, root); err != nil {
		t.Fatal(err)
	}
	in, err := archive.Import(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	art, err := gadget.Load(context.Background(), in, in.Roots[0], arch.AMD64)
	if err != nil || in.Roots[0].Digest != root.Digest || len(art.UnknownLayers) != 1 {
		t.Fatalf("roots %v, error %v", in.Roots, err)
	}
	if data, err := oci.ReadBlob(context.Background(), in, art.UnknownLayers[0], 10); err != nil || string(data) != "y" {
		t.Errorf("the foreign layer is %q, %v", data, err)
	}
}

func TestExportRefuses(t *testing.T) {
	blobs, root := artifact(t)
	if err := archive.Export(context.Background(), io.Discard, blobs, root,
		archive.ExportOptions{Format: "zip"}); err == nil {
		t.Error("an unknown format was written")
	}
	delete(blobs, full(t, arch.ARM64).Descriptor.Digest)
	for _, format := range []archive.Format{archive.FormatOCI, archive.FormatDocker, archive.FormatTar} {
		if err := archive.Export(context.Background(), io.Discard, blobs, root,
			archive.ExportOptions{Format: format}); err == nil {
			t.Errorf("%s: a missing blob was not noticed", format)
		}
	}
}

func TestImportRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	tarOf := func(entries ...action.Entry) []byte {
		var buf bytes.Buffer
		if err := action.WriteTar(&buf, entries); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	for name, tc := range map[string]struct{ path, want string }{
		"missing": {filepath.Join(dir, "absent"), "no such file"},
		"text":    {write("text", []byte("hello")), "reading tar"},
		"other tar": {
			write("other", tarOf(action.Entry{Name: "a", Data: []byte("b")})), "not an OCI layout, and no docker-archive",
		},
		"the tar form": {write("files", export(t, archive.FormatTar, "")), "not an OCI layout, and no docker-archive"},
		"broken docker": {
			write("docker", tarOf(action.Entry{Name: "manifest.json", Data: []byte("{")})), "reading manifest.json",
		},
		"empty docker": {
			write("none", tarOf(action.Entry{Name: "manifest.json", Data: []byte("[]")})), "not an exported gadget",
		},
		"other directory": {t.TempDir(), "not an exported gadget"},
		"sources":         {filepath.Dir(write("gadget.yaml", nil)), `build them with "gadget-run image build"`},
	} {
		if _, err := archive.Import(t.Context(), tc.path); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
	}
}
