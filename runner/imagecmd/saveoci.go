package imagecmd

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// layoutFile is the content of the file that marks a layout.
const layoutFile = `{"imageLayoutVersion":"` + ocispec.ImageLayoutVersion + `"}`

// saveOCI writes the artifacts as one layout tar. The bytes depend on the
// artifacts and their names alone.
func saveOCI(g *cli.Globals, s *store.Store, refs []store.Ref, w io.Writer) error {
	blobs, err := contents(g, s, refs)
	if err != nil {
		return err
	}
	idx, err := layoutIndex(refs)
	if err != nil {
		return err
	}
	tw := tar.NewWriter(w)
	if err := tarFile(tw, ocispec.ImageLayoutFile, []byte(layoutFile)); err != nil {
		return err
	}
	for _, d := range blobs {
		if err := tarBlob(g, tw, s, d); err != nil {
			return err
		}
	}
	if err := tarFile(tw, ocispec.ImageIndexFile, idx); err != nil {
		return err
	}
	lists, err := referrerLists(s, refs)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		if err := tarFile(tw, name, lists[name]); err != nil {
			return err
		}
	}
	return tw.Close()
}

// saveDirectory writes the artifacts as a layout directory.
func saveDirectory(g *cli.Globals, s *store.Store, refs []store.Ref, dir string) error {
	blobs, err := contents(g, s, refs)
	if err != nil {
		return err
	}
	var all []oci.Blob
	for _, d := range blobs {
		data, err := oci.ReadBlob(g.Ctx, s, d, store.MaxBlob)
		if err != nil {
			return err
		}
		all = append(all, oci.Blob{Descriptor: d, Data: data})
	}
	if len(refs) != 1 {
		return cli.Usage(fmt.Errorf("a directory takes one artifact, not %d, write an archive instead", len(refs)))
	}
	root := refs[0].Target
	root.Annotations = map[string]string{ocispec.AnnotationRefName: refs[0].Name}
	lists, err := referrerLists(s, refs)
	if err != nil {
		return err
	}
	for name, data := range lists {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := action.WriteFile(path, data); err != nil {
			return err
		}
	}
	return oci.WriteLayout(dir, root, all)
}

// referrerLists returns the files that list what of an archive refers to its
// artifacts. index.json cannot: most tools take an archive without a name only
// when that lists one artifact and nothing else.
func referrerLists(s *store.Store, refs []store.Ref) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, r := range refs {
		all, err := s.Referrers(r.Target.Digest)
		if err != nil {
			return nil, err
		}
		if len(all) == 0 {
			continue
		}
		if files[artifact.ReferrerList(r.Target.Digest)], err = store.FormatReferrers(all); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// contents lists, sorted by digest and each once, what the store has of the
// artifacts. It reports what is missing.
func contents(g *cli.Globals, s *store.Store, refs []store.Ref) ([]ocispec.Descriptor, error) {
	all := map[string]ocispec.Descriptor{}
	for _, r := range refs {
		if len(r.Archs) > 0 {
			g.Say("%s: only %s is in the store and will be in the output", r.Name, joinArchs(r))
		}
		err := s.Walk(g.Ctx, r, func(d ocispec.Descriptor) { all[d.Digest.String()] = d })
		if err != nil {
			return nil, err
		}
	}
	var list []ocispec.Descriptor
	for _, d := range all {
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b ocispec.Descriptor) int {
		return strings.Compare(a.Digest.String(), b.Digest.String())
	})
	return list, nil
}

func joinArchs(r store.Ref) string {
	var names []string
	for _, a := range r.Archs {
		names = append(names, a.String())
	}
	return strings.Join(names, ", ")
}

// layoutIndex is the index.json that names the artifacts.
func layoutIndex(refs []store.Ref) ([]byte, error) {
	idx := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	for _, r := range refs {
		d := r.Target
		d.Annotations = map[string]string{ocispec.AnnotationRefName: r.Name}
		idx.Manifests = append(idx.Manifests, d)
	}
	slices.SortFunc(idx.Manifests, func(a, b ocispec.Descriptor) int {
		return strings.Compare(a.Annotations[ocispec.AnnotationRefName], b.Annotations[ocispec.AnnotationRefName])
	})
	return json.Marshal(idx)
}

func tarHeader(name string, size int64) *tar.Header {
	return &tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644,
		ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
	}
}

func tarFile(tw *tar.Writer, name string, data []byte) error {
	if err := tw.WriteHeader(tarHeader(name, int64(len(data)))); err != nil {
		return fmt.Errorf("writing archive: %w", err)
	}
	_, err := tw.Write(data)
	return err
}

func tarBlob(g *cli.Globals, tw *tar.Writer, s *store.Store, d ocispec.Descriptor) error {
	r, err := s.Open(g.Ctx, d)
	if err != nil {
		return err
	}
	defer r.Close()
	name := path.Join(ocispec.ImageBlobsDir, "sha256", d.Digest.Encoded())
	if err := tw.WriteHeader(tarHeader(name, d.Size)); err != nil {
		return fmt.Errorf("writing archive: %w", err)
	}
	_, err = io.Copy(tw, r)
	return err
}
