// Package archive writes gadgets as files and reads them again: OCI layouts, in a directory
// or as a tar, images for "docker load", and directories of the store.
package archive

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// Format is a form in which an artifact leaves the store as one file.
type Format string

// The formats of Export.
const (
	// FormatOCI is the tar of an OCI layout.
	FormatOCI Format = "oci"
	// FormatDocker is what docker load reads: each architecture's files in the
	// one layer of an image.
	FormatDocker Format = "docker"
	// FormatTar is the gadget's files. It cannot be imported.
	FormatTar Format = "tar"
)

// ExportOptions chooses the form.
type ExportOptions struct {
	Format Format
	// Ref names the artifact ("name:tag"); empty means no name.
	Ref string
	// Archs are the architectures to write in the formats other than oci;
	// empty means all. A store may hold one of several.
	Archs []arch.Arch
}

// Export writes the artifact root as one file. The same artifact gives the
// same bytes.
func Export(ctx context.Context, w io.Writer, from oci.Blobs, root ocispec.Descriptor, opts ExportOptions) error {
	switch opts.Format {
	case FormatOCI:
		return oci.WriteLayoutTar(ctx, w, from, NameRoot(root, opts.Ref))
	case FormatDocker:
		return ExportDocker(ctx, w, from, []NamedArtifact{{Root: root, Ref: opts.Ref, Archs: opts.Archs}})
	case FormatTar:
		parts, err := readParts(ctx, from, root, opts.Archs)
		if err != nil {
			return err
		}
		return action.WriteTar(w, parts.files())
	}
	return fmt.Errorf("exporting: unknown format %q, use oci, docker or tar", opts.Format)
}

// ExportLocal writes the gadget's files into the directory dir, together with what
// Import needs to restore the artifact.
func ExportLocal(ctx context.Context, dir string, from oci.Blobs, root ocispec.Descriptor) error {
	parts, err := readParts(ctx, from, root, nil)
	if err != nil {
		return err
	}
	for _, e := range append(parts.files(), parts.records("")...) {
		name := filepath.Join(dir, filepath.FromSlash(e.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return fmt.Errorf("exporting: %w", err)
		}
		if err := action.WriteFile(name, e.Data); err != nil {
			return fmt.Errorf("exporting: %w", err)
		}
	}
	return nil
}

// NameRoot returns root with ref as its name in a layout, without one when ref
// is empty.
func NameRoot(root ocispec.Descriptor, ref string) ocispec.Descriptor {
	if ref == "" {
		return root
	}
	named := map[string]string{ocispec.AnnotationRefName: ref}
	for k, v := range root.Annotations {
		if k != ocispec.AnnotationRefName {
			named[k] = v
		}
	}
	root.Annotations = named
	return root
}

// recordDirectory holds manifests and index next to the files of a gadget, so that
// the artifact can be restored from them, digest for digest.
const recordDirectory = "artifact"

// archParts is the content of one manifest.
type archParts struct {
	arch     arch.Arch
	manifest []byte
	// entries are the gadget's files, named without architecture.
	entries []action.Entry
}

// artifactParts is the content of an artifact.
type artifactParts struct {
	index []byte // nil for a bare manifest
	archs []archParts
}

// readParts reads an artifact: the whole of it, or the manifests for archs. Manifests for other platforms than the
// supported ones are refused, because they could not be restored.
func readParts(ctx context.Context, from oci.Blobs, root ocispec.Descriptor, archs []arch.Arch) (artifactParts, error) {
	data, err := oci.ReadBlob(ctx, from, root, gadget.MaxManifest)
	if err != nil {
		return artifactParts{}, fmt.Errorf("exporting: %w", err)
	}
	isIndex, err := gadget.IsIndex(root, data)
	if err != nil {
		return artifactParts{}, fmt.Errorf("exporting %s: %w", root.Digest, err)
	}
	out := artifactParts{}
	manifests := []ocispec.Descriptor{root}
	if isIndex {
		idx, err := oci.ParseIndex(data)
		if err != nil {
			return artifactParts{}, fmt.Errorf("exporting %s: %w", root.Digest, err)
		}
		out.index, manifests = data, idx.Manifests
	}
	for _, d := range manifests {
		if isIndex && len(archs) > 0 && !slices.Contains(archs, arch.Arch(gadget.ArchOf(d))) {
			continue
		}
		p, err := readArch(ctx, from, d, len(manifests) == 1)
		if err != nil {
			return artifactParts{}, fmt.Errorf("exporting manifest %s: %w", d.Digest, err)
		}
		out.archs = append(out.archs, p)
	}
	return out, nil
}

// readArch reads one manifest with its blobs. The only one of an artifact may
// lack a platform.
func readArch(ctx context.Context, from oci.Blobs, d ocispec.Descriptor, only bool) (archParts, error) {
	p := archParts{arch: arch.Arch(gadget.ArchOf(d))}
	if p.arch == "" && only {
		p.arch = arch.Host()
	}
	if !p.arch.Supported() {
		return p, fmt.Errorf("its architecture %q is not supported", p.arch)
	}
	art, err := gadget.Load(ctx, from, d, p.arch)
	if err != nil {
		return p, err
	}
	if p.manifest, err = oci.ReadBlob(ctx, from, d, gadget.MaxManifest); err != nil {
		return p, err
	}
	for _, f := range []struct {
		name string
		data []byte
	}{
		{gadget.ConfigFile, art.Metadata},
		{gadget.ObjectFile, art.Object},
		{gadget.WasmFile, art.Wasm},
		{gadget.BTFFile, art.BTF},
	} {
		if len(f.data) > 0 {
			p.entries = append(p.entries, action.Entry{Name: f.name, Data: f.data})
		}
	}
	for _, unknown := range art.UnknownLayers {
		data, err := oci.ReadBlob(ctx, from, unknown, gadget.MaxBTF)
		if err != nil {
			return p, err
		}
		p.entries = append(p.entries, action.Entry{
			Name: path.Join(recordDirectory, "blobs", unknown.Digest.Encoded()), Data: data,
		})
	}
	return p, nil
}

// files returns the gadget's files: at the top what is the same for every
// architecture, the rest in one directory for each.
func (a artifactParts) files() []action.Entry {
	out := []action.Entry{}
	for i, p := range a.archs {
		for _, e := range p.entries {
			switch {
			case e.Name == gadget.ObjectFile || e.Name == gadget.BTFFile || !a.shared(e):
				out = append(out, action.Entry{Name: path.Join(p.arch.String(), e.Name), Data: e.Data})
			case i == 0:
				out = append(out, e)
			}
		}
	}
	return out
}

// shared reports whether all architectures have the same file.
func (a artifactParts) shared(e action.Entry) bool {
	for _, p := range a.archs {
		if !slices.ContainsFunc(p.entries, func(o action.Entry) bool {
			return o.Name == e.Name && bytes.Equal(o.Data, e.Data)
		}) {
			return false
		}
	}
	return true
}

// records returns what restores the artifact: its index, and the manifests of
// all architectures or of the one given.
func (a artifactParts) records(only arch.Arch) []action.Entry {
	out := []action.Entry{}
	if a.index != nil {
		out = append(out, action.Entry{Name: path.Join(recordDirectory, "index.json"), Data: a.index})
	}
	for _, p := range a.archs {
		if only == "" || p.arch == only {
			out = append(out, action.Entry{Name: path.Join(recordDirectory, p.arch.String()+".json"), Data: p.manifest})
		}
	}
	return out
}
