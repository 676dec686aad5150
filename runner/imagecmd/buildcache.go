package imagecmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/toolchain"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/inspect"
)

// cacheVersion changes when the same inputs give something else.
const cacheVersion = "2"

// Limits of a gadget's directory.
const (
	maxInputs     = 10_000  // files
	maxInputBytes = 1 << 30 // of all files together
)

// key is a digest of all that a build depends on.
func (b *Build) key(g *cli.Globals, req assemble.ImageRequest) (string, error) {
	tools, err := toolchain.Key()
	if err != nil {
		return "", err
	}
	if b.Local { // what the machine has may change, so its program is run
		tools += " local " + localIdentity()
	}
	tools += b.wasmIdentity(g, req)
	head, err := json.Marshal(map[string]any{
		"version": cacheVersion, "toolchain": tools, "archs": req.Archs, "labels": req.Labels, "created": req.Created,
		"lenient": req.Lenient, "include": b.Include, "btf": b.BTF,
	})
	if err != nil {
		return "", err
	}
	h := sha256.New()
	h.Write(head)
	for _, dir := range append([]string{b.Path}, b.Include...) {
		if err := hashTree(h, dir); err != nil {
			return "", err
		}
	}
	if b.BTF != "" {
		if err := hashNames(h, b.BTF); err != nil {
			return "", err
		}
	}
	headers, err := b.headerFiles()
	if err != nil {
		return "", err
	}
	for _, a := range arch.All() {
		fmt.Fprintf(h, "%s %t\n", a, headers[a] != "")
		if headers[a] == "" {
			continue
		}
		text, err := toolchain.ReadHeader(headers[a])
		if err != nil {
			return "", err
		}
		h.Write(text)
	}
	if b.File != "" {
		if _, err := hashFile(h, b.File, gadget.MaxBuildFile); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// localIdentity is which clang the machine has, by its file.
func localIdentity() string {
	tools, err := toolchain.Local{Getenv: os.Getenv}.Identity()
	if err != nil {
		return ""
	}
	return tools
}

// hashTree adds the name and content of every file below dir.
func hashTree(w io.Writer, dir string) error {
	count, left := 0, int64(maxInputBytes)
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if count++; count > maxInputs {
			return fmt.Errorf("%q holds more than %d files, it is not a gadget's directory", dir, maxInputs)
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%q\n", rel)
		n, err := hashFile(w, path, left)
		if left -= n; left < 0 {
			return fmt.Errorf("%q holds more than %d bytes, it is not a gadget's directory", dir, maxInputBytes)
		}
		return err
	})
}

// hashFile adds the content of a regular file and returns its size, or more than
// limit when it is larger than that.
func hashFile(w io.Writer, path string, limit int64) (int64, error) {
	st, err := os.Stat(path)
	if err != nil || st.IsDir() {
		return 0, nil // a dangling link; the build reports it if it matters
	}
	if st.Size() > limit {
		return st.Size(), nil
	}
	f, err := action.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(f, limit+1))
	if err == nil {
		_, err = fmt.Fprintf(w, "%x\n", sum.Sum(nil))
	}
	return n, err
}

// hashNames adds the name, size and time of every file below dir: archives
// are too large to be read to find out that nothing has changed.
func hashNames(w io.Writer, dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%q %d %d\n", path, info.Size(), info.ModTime().UnixNano())
		return err
	})
}

// cached returns an earlier result. It is verified, like everything that is
// read from a layout.
func cached(ctx context.Context, dir string) (*built, error) {
	l, err := oci.OpenLayout(dir)
	if err != nil {
		return nil, err
	}
	root, err := l.Root("")
	if err != nil {
		return nil, err
	}
	if _, err := oci.ReadBlob(ctx, l, root, oci.MaxManifest); err != nil {
		return nil, err
	}
	documents := attestations()
	for i, doc := range documents {
		if documents[i].Data, err = l.ReadFile(doc.file, inspect.MaxDocument); err != nil {
			return nil, err
		}
	}
	return &built{root, l, documentsOf(documents)}, nil
}

// keep stores a result for the next time, unless the inputs were changed by
// the build itself.
func keep(dir string, res assemble.ImageResult, documents []registry.Document, changed bool) error {
	if changed {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i, doc := range attestations() {
		if err := action.WriteFile(filepath.Join(dir, doc.file), documents[i].Data); err != nil {
			return err
		}
	}
	return oci.WriteLayout(dir, res.Root, res.Blobs)
}
