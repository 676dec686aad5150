package archive_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/archive"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// savedImage is an element of manifest.json.
type savedImage struct {
	Config           string
	RepoTags, Layers []string
}

// dockerSave returns what docker saves of the images that it loaded from an
// exported archive: a layout that is a docker-archive at the same time. change
// edits the configs.
func dockerSave(t testing.TB, exported []byte, change func(*ocispec.Image)) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	tr := tar.NewReader(bytes.NewReader(exported))
	for h, err := tr.Next(); err == nil; h, err = tr.Next() {
		files[h.Name], _ = io.ReadAll(tr)
	}
	out := map[string][]byte{ocispec.ImageLayoutFile: []byte(`{"imageLayoutVersion":"1.0.0"}`)}
	add := func(mediaType string, data []byte) (ocispec.Descriptor, string) {
		d := oci.Describe(mediaType, data)
		name := "blobs/sha256/" + d.Digest.Encoded()
		out[name] = data
		return d, name
	}
	var images []savedImage
	unmarshal(t, files["manifest.json"], &images)
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	for i := range images {
		var config ocispec.Image
		unmarshal(t, files[images[i].Config], &config)
		change(&config)
		m := ocispec.Manifest{
			Versioned: index.Versioned, MediaType: ocispec.MediaTypeImageManifest, Layers: make([]ocispec.Descriptor, 1),
		}
		m.Config, images[i].Config = add(ocispec.MediaTypeImageConfig, marshal(t, config))
		m.Layers[0], images[i].Layers[0] = add(ocispec.MediaTypeImageLayer, files[images[i].Layers[0]])
		root, _ := add(m.MediaType, marshal(t, m))
		root.Annotations = map[string]string{"io.containerd.image.name": images[i].RepoTags[0]}
		index.Manifests = append(index.Manifests, root)
	}
	out[ocispec.ImageIndexFile], out["manifest.json"] = marshal(t, index), marshal(t, images)
	return out
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func unmarshal(t testing.TB, data []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

func tarOf(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var entries []action.Entry
	for name, data := range files {
		entries = append(entries, action.Entry{Name: name, Data: data})
	}
	var buf bytes.Buffer
	if err := action.WriteTar(&buf, entries); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestImportDockerSave(t *testing.T) {
	_, root := artifact(t)
	exported := export(t, archive.FormatDocker, "example.com/name:v1")
	file := filepath.Join(t.TempDir(), "x.tar")
	save := func(change func(*ocispec.Image), without string) {
		files := dockerSave(t, exported, change)
		delete(files, without)
		if err := os.WriteFile(file, tarOf(t, files), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keep := func(*ocispec.Image) {}

	save(keep, "")
	checkImport(t, file, root, "example.com/name:v1")

	// An oci-archive of podman has no such list.
	save(keep, "manifest.json")
	in, err := archive.Import(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if len(in.Roots) != 1 || in.Roots[0].Digest != root.Digest {
		t.Errorf("without manifest.json: roots %v, want %v", in.Roots, root)
	}

	// An image that is none of ours stays what it is.
	save(func(i *ocispec.Image) { i.Config.Labels = nil }, "")
	if in, err = archive.Import(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if len(in.Roots) != 2 || in.Roots[0].Digest == root.Digest {
		t.Errorf("roots %v, want the two images", in.Roots)
	}
}

// TestImportOfCompressedLayers: podman compresses the layers of an oci-archive.
// What unpacks to far more than a layer can have is refused.
func TestImportOfCompressedLayers(t *testing.T) {
	_, root := artifact(t)
	exported := export(t, archive.FormatDocker, "example.com/name:v1")
	file := filepath.Join(t.TempDir(), "x.tar")
	save := func(change func(layer []byte) []byte) {
		t.Helper()
		files := dockerSave(t, exported, func(*ocispec.Image) {})
		delete(files, "manifest.json")
		var index ocispec.Index
		unmarshal(t, files[ocispec.ImageIndexFile], &index)
		for i, d := range index.Manifests {
			var m ocispec.Manifest
			unmarshal(t, files["blobs/sha256/"+d.Digest.Encoded()], &m)
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			if _, err := z.Write(change(files["blobs/sha256/"+m.Layers[0].Digest.Encoded()])); err != nil {
				t.Fatal(err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			m.Layers[0] = oci.Describe(ocispec.MediaTypeImageLayerGzip, packed.Bytes())
			files["blobs/sha256/"+m.Layers[0].Digest.Encoded()] = packed.Bytes()
			data := marshal(t, m)
			index.Manifests[i] = oci.Describe(d.MediaType, data)
			name := d.Annotations["io.containerd.image.name"]
			index.Manifests[i].Annotations = map[string]string{ocispec.AnnotationRefName: name}
			files["blobs/sha256/"+index.Manifests[i].Digest.Encoded()] = data
		}
		files[ocispec.ImageIndexFile] = marshal(t, index)
		if err := os.WriteFile(file, tarOf(t, files), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save(func(layer []byte) []byte { return layer })
	checkImport(t, file, root, "example.com/name:v1")
	save(func([]byte) []byte { return make([]byte, 64<<20) })
	if _, err := archive.Import(t.Context(), file); err == nil || !strings.Contains(err.Error(), "unpacking layer") {
		t.Errorf("error %v, want that the layer is too large", err)
	}
}
