package imagecmd

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/rules-gadget/rules_gadget/internal/btfhub"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

// maxBTFFile bounds one minimal BTF, in bytes; that of a whole kernel has less.
const maxBTFFile = 64 << 20

// Unpack is "image unpack".
type Unpack struct {
	Image  string `arg:"" name:"ref" help:"Reference in the store, or a path."`
	Output string `short:"o" default:"gadget" placeholder:"DIR" help:"Directory to make (default: gadget)."`
}

// Run writes the files of the artifact. The directory appears when it is
// complete, and nothing is written outside of it.
func (u *Unpack) Run(g *cli.Globals) error {
	dir, err := emptyPlace(u.Output)
	if err != nil {
		return err
	}
	src, err := artifact.OpenHere(g, u.Image)
	if err != nil {
		return pullFirst(err, u.Image)
	}
	defer src.Release()
	if err := replaceDirectory(dir, func(root *os.Root) error { return unpack(g, src, root) }); err != nil {
		return fmt.Errorf("unpacking %s: %w", src.Name, err)
	}
	abs, err := filepath.Abs(u.Output)
	if err != nil {
		return err
	}
	return show.Line(g.Stdout, "Successfully unpacked %s to: %s", src.Name, abs)
}

// emptyPlace returns where a new directory goes: dir, or what it is a link to.
// Something that is there and is not an empty directory is an error.
func emptyPlace(dir string) (string, error) {
	info, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return dir, nil
	}
	if err == nil && info.Mode().Type() == fs.ModeSymlink {
		if dir, err = filepath.EvalSymlinks(dir); err == nil {
			info, err = os.Stat(dir)
		}
	}
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%q is not a directory, choose another with -o", dir)
	}
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("the directory %q is not empty, choose another with -o", dir)
	}
	return dir, err
}

// replaceDirectory lets do fill a directory next to dir, which replaces it when
// all went well.
func replaceDirectory(dir string, do func(*os.Root) error) (err error) {
	dir = filepath.Clean(dir)
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(tmp))
		}
	}()
	root, err := os.OpenRoot(tmp)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := do(root); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(tmp, dir)
}

// unpack writes what is common to all architectures at the top, and what is
// not with the architecture in its name.
func unpack(g *cli.Globals, src *artifact.Source, root *os.Root) error {
	top, err := oci.ReadBlob(g.Ctx, src.Blobs, src.Root, oci.MaxManifest)
	if err != nil {
		return err
	}
	arts, err := loadArchs(g, src)
	if err != nil {
		return err
	}
	if err := root.WriteFile(rootFile, top, 0o644); err != nil {
		return err
	}
	for _, a := range arts {
		manifest, err := oci.ReadBlob(g.Ctx, src.Blobs, a.Descriptor, oci.MaxManifest)
		if err != nil {
			return err
		}
		files := []file{
			{"manifest." + a.Arch.String() + ".json", manifest},
			{metadataFile, a.Metadata},
			{wasmFile, a.Wasm},
			{"program." + a.Arch.String() + ".bpf.o", a.Object},
		}
		for _, f := range files {
			if len(f.data) == 0 {
				continue
			}
			if err := root.WriteFile(f.name, f.data, 0o644); err != nil {
				return err
			}
		}
		if err := unpackBTF(a, root); err != nil {
			return err
		}
	}
	return nil
}

// unpackBTF writes the minimal BTFs below btf, in one pass over the layer.
func unpackBTF(a *gadget.Artifact, root *os.Root) error {
	if len(a.BTF) == 0 {
		return nil
	}
	layer, err := btfhub.OpenLayer(a.BTF)
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, name := range layer.Names() {
		wanted[name] = true
	}
	gz, err := gzip.NewReader(bytes.NewReader(a.BTF))
	if err != nil {
		return fmt.Errorf("reading BTF layer: %w", err)
	}
	for tr := tar.NewReader(gz); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading BTF layer: %w", err)
		}
		name := path.Clean(h.Name)
		if h.Typeflag != tar.TypeReg || !wanted[name] {
			continue
		}
		if h.Size > maxBTFFile {
			return fmt.Errorf("reading BTF layer: %q has %d bytes, at most %d are allowed", name, h.Size, maxBTFFile)
		}
		if err := writeStream(root, path.Join("btf", name), tr); err != nil {
			return err
		}
	}
}

func writeStream(root *os.Root, name string, r io.Reader) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}
