package oci_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// writeArtifact writes a layout of one index with one manifest and one layer.
func writeArtifact(t testing.TB, dir string) (root ocispec.Descriptor, blobs []oci.Blob) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "layer")
	if err := os.WriteFile(file, []byte("layer"), 0o600); err != nil {
		t.Fatal(err)
	}
	layer := oci.Blob{Descriptor: oci.Describe("x/layer", []byte("layer")), Path: file}
	config := oci.Blob{Descriptor: ocispec.DescriptorEmptyJSON, Data: []byte("{}")}
	manifest := oci.NewBlob(ocispec.MediaTypeImageManifest, mustJSON(t, ocispec.Manifest{
		MediaType: ocispec.MediaTypeImageManifest, Config: config.Descriptor, Layers: []ocispec.Descriptor{layer.Descriptor},
	}))
	index := oci.NewBlob(ocispec.MediaTypeImageIndex, mustJSON(t, ocispec.Index{
		MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{manifest.Descriptor},
	}))
	blobs = []oci.Blob{index, manifest, config, layer}
	if err := oci.WriteLayout(dir, index.Descriptor, blobs); err != nil {
		t.Fatal(err)
	}
	return index.Descriptor, blobs
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// read returns all files below dir.
func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		out[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWriteLayoutWritesGoldenBytes(t *testing.T) {
	dir := t.TempDir()
	root, blobs := writeArtifact(t, dir)
	want := map[string]string{
		"oci-layout": `{"imageLayoutVersion":"1.0.0"}` + "\n",
		"index.json": `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[` +
			`{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"` + root.Digest.String() + `","size":240}]}` +
			"\n",
	}
	for _, b := range blobs {
		data := string(b.Data)
		if b.Path != "" {
			data = "layer"
		}
		want["blobs/sha256/"+b.Digest.Encoded()] = data
	}
	if diff := cmp.Diff(want, read(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestWriteLayoutRefusesWrongBlobs(t *testing.T) {
	d := oci.Describe("", []byte("right"))
	for name, b := range map[string]oci.Blob{
		"content": {Descriptor: d, Data: []byte("wrong")},
		"file":    {Descriptor: d, Path: "/no/such/file"},
		"digest":  {Descriptor: ocispec.Descriptor{Digest: "sha256:../../x"}, Data: nil},
	} {
		dir := t.TempDir()
		if err := oci.WriteLayout(dir, d, []oci.Blob{b}); err == nil {
			t.Errorf("%s: no error", name)
		}
		if files := read(t, dir); len(files) > 0 {
			t.Errorf("%s: left %v", name, files)
		}
	}
}

func TestLayoutForms(t *testing.T) {
	dir := t.TempDir()
	root, blobs := writeArtifact(t, dir)
	directory, err := oci.OpenLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer directory.Close()
	var first, second bytes.Buffer
	if err := errors.Join(oci.WriteLayoutTar(ctx, &first, directory, root), oci.WriteLayoutTar(ctx, &second, directory,
		root)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two tars differ")
	}
	file := filepath.Join(t.TempDir(), "l.tar")
	if err := os.WriteFile(file, first.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	tarred, err := oci.OpenLayoutTar(file)
	if err != nil {
		t.Fatal(err)
	}
	defer tarred.Close()
	copied := filepath.Join(t.TempDir(), "copy")
	if err := oci.CopyLayout(ctx, copied, tarred, root); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(read(t, dir), read(t, copied)); diff != "" {
		t.Errorf("directory, tar, directory (-want +got):\n%s", diff)
	}
	for _, b := range blobs {
		if _, err := oci.ReadBlob(ctx, tarred, b.Descriptor, 1000); err != nil {
			t.Error(err)
		}
	}
	if len(tarred.Index().Manifests) != 1 {
		t.Errorf("index %v", tarred.Index())
	}
}

func TestLayoutErrorNamesBlobAndFile(t *testing.T) {
	dir := t.TempDir()
	_, blobs := writeArtifact(t, dir)
	l, err := oci.OpenLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	d := blobs[3].Descriptor
	file := filepath.Join(dir, "blobs", "sha256", d.Digest.Encoded())
	if err := os.WriteFile(file, []byte("LAYER"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = oci.ReadBlob(ctx, l, d, 100)
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), d.Digest.String()+
		" is corrupt") {
		t.Errorf("corrupt: %v", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	_, err = oci.ReadBlob(ctx, l, d, 100)
	if !errors.Is(err, oci.ErrNotFound) || !strings.Contains(err.Error(), file) ||
		!strings.Contains(err.Error(), d.Digest.String()+" is missing") {
		t.Errorf("missing: %v", err)
	}
	if _, err := l.Open(ctx, ocispec.Descriptor{Digest: "sha256:../../../index.json"}); err == nil {
		t.Error("a digest that is a path was opened")
	}
}

func TestRootChoosesByName(t *testing.T) {
	named := func(name string) ocispec.Descriptor {
		d := oci.Describe("", []byte(name))
		d.Annotations = map[string]string{ocispec.AnnotationRefName: name}
		return d
	}
	layout := func(all ...ocispec.Descriptor) *oci.Layout {
		dir := t.TempDir()
		if err := oci.WriteLayout(dir, ocispec.Descriptor{}, nil); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "index.json"), mustJSON(t, ocispec.Index{Manifests: all}),
			0o600); err != nil {
			t.Fatal(err)
		}
		l, err := oci.OpenLayout(dir)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	a, b := named("a"), named("b")
	for _, tc := range []struct {
		name, ref, err string
		layout         *oci.Layout
		want           ocispec.Descriptor
	}{
		{name: "only one", layout: layout(a), want: a},
		{name: "by name", ref: "b", layout: layout(a, b), want: b},
		{name: "none", layout: layout(), err: "names no artifact"},
		{name: "several", layout: layout(b, a), err: `names 2 artifacts, choose one of "a", "b"`},
		{name: "unknown", ref: "c", layout: layout(a, b), err: `names no artifact "c", it has "a", "b"`},
	} {
		got, err := tc.layout.Root(tc.ref)
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%s: error %v, want %q", tc.name, err, tc.err)
			}
			continue
		}
		if err != nil || got.Digest != tc.want.Digest {
			t.Errorf("%s: %v, %v", tc.name, got, err)
		}
	}
}

func TestOpenLayoutRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"nothing":  {nil, `it has no file "oci-layout"`},
		"version":  {map[string]string{"oci-layout": `{"imageLayoutVersion":"2"}`}, `layout version is "2"`},
		"no index": {map[string]string{"oci-layout": `{"imageLayoutVersion":"1.0.0"}`}, "index.json"},
		"broken index": {
			map[string]string{"oci-layout": `{"imageLayoutVersion":"1.0.0"}`, "index.json": "{"}, `reading "index.json"`,
		},
		"no digest": {
			map[string]string{"oci-layout": `{"imageLayoutVersion":"1.0.0"}`, "index.json": `{"manifests":[{"digest":"size"}]}`},
			`reading "index.json": digest "size"`,
		},
		"broken version": {map[string]string{"oci-layout": `x`}, `reading "oci-layout"`},
	} {
		dir := t.TempDir()
		for file, content := range tc.files {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := oci.OpenLayout(dir); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
	}
	packed := filepath.Join(t.TempDir(), "x.tar.gz")
	if err := os.WriteFile(packed, append([]byte{0x1f, 0x8b}, make([]byte, 600)...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := oci.OpenLayoutTar(packed); err == nil || !strings.Contains(err.Error(), "not compressed") {
		t.Errorf("gzip: %v", err)
	}
}

func TestSelectManifest(t *testing.T) {
	of := func(os, a string) ocispec.Descriptor {
		d := oci.Describe("", []byte(os+a))
		d.Platform = &ocispec.Platform{OS: os, Architecture: a}
		return d
	}
	idx := ocispec.Index{Manifests: []ocispec.Descriptor{
		oci.Describe("", nil), of("windows", "amd64"), of("linux", "arm64"), of("linux", "arm64"),
	}}
	if got, err := oci.SelectManifest(idx, arch.ARM64); err != nil || got.Digest != of("linux", "arm64").Digest {
		t.Errorf("%v, %v", got, err)
	}
	_, err := oci.SelectManifest(idx, arch.AMD64)
	var missing *oci.ArchError
	if !errors.As(err, &missing) || !errors.Is(err, oci.ErrNotFound) {
		t.Fatalf("error %v", err)
	}
	if want := "no manifest for linux/amd64, the index has linux/arm64, unknown, windows/amd64"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	if _, err := oci.SelectManifest(ocispec.Index{}, arch.AMD64); err == nil ||
		!strings.Contains(err.Error(), "none at all") {
		t.Errorf("empty index: %v", err)
	}
}

func TestWalkStopsAtDepth(t *testing.T) {
	blobs, d := []oci.Blob{}, ocispec.Descriptor{}
	for range 20 {
		idx := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex}
		if d.Digest != "" {
			idx.Manifests = []ocispec.Descriptor{d}
		}
		b := oci.NewBlob(ocispec.MediaTypeImageIndex, mustJSON(t, idx))
		blobs, d = append(blobs, b), b.Descriptor
	}
	err := oci.Walk(ctx, oci.NewMemory(blobs...), d, func(ocispec.Descriptor) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "inside each other") {
		t.Errorf("error %v", err)
	}
}

func TestWalkVisitsChildrenFirstAndOnce(t *testing.T) {
	dir := t.TempDir()
	root, blobs := writeArtifact(t, dir)
	l, err := oci.OpenLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := []digest.Digest{}
	if err := oci.Walk(ctx, l, root, func(d ocispec.Descriptor) error {
		got = append(got, d.Digest)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := []digest.Digest{blobs[2].Digest, blobs[3].Digest, blobs[1].Digest, blobs[0].Digest}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func FuzzOpenLayoutTar(f *testing.F) {
	dir := f.TempDir()
	root, blobs := writeArtifact(f, dir)
	var buf bytes.Buffer
	l, err := oci.OpenLayout(dir)
	if err != nil {
		f.Fatal(err)
	}
	if err := oci.WriteLayoutTar(ctx, &buf, l, root); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "x.tar")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := oci.OpenLayoutTar(file)
		if err != nil {
			return
		}
		defer l.Close()
		for _, d := range append(l.Index().Manifests, blobs[0].Descriptor) {
			_ = oci.Walk(ctx, l, d, func(ocispec.Descriptor) error { return nil })
			if got, err := oci.ReadBlob(ctx, l, d, 1<<20); err == nil && digest.FromBytes(got) != d.Digest {
				t.Errorf("blob %s has other content", d.Digest)
			}
		}
	})
}
