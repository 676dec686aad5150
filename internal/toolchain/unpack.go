package toolchain

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/compression"
	"github.com/rules-gadget/rules_gadget/toolchain/vmlinux"
)

// maxHeader bounds one vmlinux.h, which has about 7 MB, and all that are in the
// archive together, in bytes.
const maxHeader = 64 << 20

// vmlinuxHeader is the name of each file of vmlinux.Archive, in the directory of its
// architecture.
const vmlinuxHeader = "vmlinux.h"

// writeTree writes the files of an embedded tree below dir.
func writeTree(dir string, tree fs.FS) error {
	return fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(name))
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		data, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o644)
	})
}

// writeVmlinux unpacks the vmlinux.h of every architecture.
func writeVmlinux(dir string) error {
	plain, err := compression.ReadAll(compression.XZ, strings.NewReader(vmlinux.Archive), maxHeader)
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", vmlinuxHeader, err)
	}
	for tr := tar.NewReader(bytes.NewReader(plain)); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("unpacking %s: %w", vmlinuxHeader, err)
		}
		to := filepath.Join(dir, filepath.FromSlash(h.Name))
		data, err := io.ReadAll(tr)
		if err != nil {
			return fmt.Errorf("unpacking %q: %w", h.Name, err)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			return err
		}
	}
}
