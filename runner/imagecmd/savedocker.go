package imagecmd

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// Names in a docker archive. The layer holds the artifact's own bytes, so
// that Load gets the same digests back.
const (
	dockerManifest = "manifest.json"
	rootFile       = "artifact.json" // the index that a name stands for
	manifestFile   = "manifest.json" // the manifest of the layer's architecture
	metadataFile   = "gadget.yaml"
	objectFile     = "program.bpf.o"
	wasmFile       = "program.wasm"
	btfFile        = "btf.tar.gz"
)

// dockerImage is one entry of a docker archive's manifest.json.
type dockerImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// saveDocker writes, for each artifact and architecture, an image with one
// layer. This machine's architecture has the artifact's tag, the others have
// their name appended to it.
func saveDocker(g *cli.Globals, s *store.Store, refs []store.Ref, w io.Writer) error {
	tw := tar.NewWriter(w)
	written := map[string]bool{}
	put := func(name string, data []byte) error {
		if written[name] {
			return nil
		}
		written[name] = true
		return tarFile(tw, name, data)
	}
	var images []dockerImage
	for _, r := range refs {
		root, err := oci.ReadBlob(g.Ctx, s, r.Target, store.MaxManifest)
		if err != nil {
			return err
		}
		loaded, err := loadArchs(g, s, r)
		if err != nil {
			return err
		}
		for _, a := range loaded {
			img, err := dockerLayer(g, s, dockerSource{ref: r, root: root, art: a, alone: len(loaded) == 1}, put)
			if err != nil {
				return err
			}
			images = append(images, img)
		}
	}
	data, err := json.Marshal(images)
	if err != nil {
		return err
	}
	if err := put(dockerManifest, data); err != nil {
		return err
	}
	return tw.Close()
}

// loadArchs loads the artifact for every architecture that the store has.
func loadArchs(g *cli.Globals, s *store.Store, r store.Ref) ([]*gadget.Artifact, error) {
	archs := r.Archs
	if len(archs) == 0 {
		archs = arch.All()
	}
	var all []*gadget.Artifact
	var failed error
	for _, a := range archs {
		art, err := gadget.Load(g.Ctx, s, r.Target, a)
		if err != nil {
			failed = err
			continue
		}
		all = append(all, art)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("reading %s: %w", r.Name, failed)
	}
	return all, nil
}

// dockerSource is what one image of the archive is made from.
type dockerSource struct {
	ref   store.Ref
	root  []byte
	art   *gadget.Artifact
	alone bool
}

// dockerLayer writes the layer and the config of one image.
func dockerLayer(g *cli.Globals, s *store.Store, src dockerSource, put func(string, []byte) error) (dockerImage, error) {
	manifest, err := oci.ReadBlob(g.Ctx, s, src.art.Descriptor, store.MaxManifest)
	if err != nil {
		return dockerImage{}, err
	}
	layer, err := rootfs(append(artifactFiles(src.art),
		file{rootFile, src.root}, file{manifestFile, manifest}))
	if err != nil {
		return dockerImage{}, err
	}
	diff := digest.FromBytes(layer)
	config, err := json.Marshal(ocispec.Image{
		Platform: ocispec.Platform{OS: "linux", Architecture: src.art.Arch.String()},
		Config:   ocispec.ImageConfig{Labels: src.art.Annotations},
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{diff}},
	})
	if err != nil {
		return dockerImage{}, err
	}
	img := dockerImage{
		Config:   digest.FromBytes(config).Encoded() + ".json",
		RepoTags: src.tags(),
		Layers:   []string{diff.Encoded() + "/layer.tar"},
	}
	if err := put(img.Layers[0], layer); err != nil {
		return img, err
	}
	return img, put(img.Config, config)
}

// tags are the names that docker gives to the image.
func (src dockerSource) tags() []string {
	ref, err := registry.ParseReference(src.ref.Name, registry.Defaults{})
	if err != nil || ref.Tag == "" {
		return nil
	}
	if src.alone || src.art.Arch == arch.Host() {
		return []string{ref.Name() + ":" + ref.Tag}
	}
	return []string{ref.Name() + ":" + ref.Tag + "-" + src.art.Arch.String()}
}

// file is a name with its content.
type file struct {
	name string
	data []byte
}

// artifactFiles are the parts of an artifact under the names that an
// unpacked gadget has.
func artifactFiles(a *gadget.Artifact) []file {
	var files []file
	for _, f := range []file{
		{metadataFile, a.Metadata}, {objectFile, a.Object}, {wasmFile, a.Wasm}, {btfFile, a.BTF},
	} {
		if len(f.data) > 0 {
			files = append(files, f)
		}
	}
	return files
}

// rootfs is a layer tar of the files.
func rootfs(files []file) ([]byte, error) {
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for _, f := range files {
		if err := tarFile(tw, f.name, f.data); err != nil {
			return nil, err
		}
	}
	if err := tw.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
