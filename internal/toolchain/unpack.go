package toolchain

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/rules-gadget/rules_gadget/internal/compression"
	"github.com/rules-gadget/rules_gadget/toolchain/lock"
	"github.com/rules-gadget/rules_gadget/toolchain/vmlinux"
)

// maxHeader bounds one vmlinux.h, in bytes; it has about 4 MB.
const maxHeader = 64 << 20

// vmlinuxHeader is the one file of an archive in vmlinux.Files.
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
	headers, err := parseHeaders(lock.Vmlinux)
	if err != nil {
		return err
	}
	for a, h := range headers.Headers {
		data, err := readHeader(h.File)
		if err != nil {
			return fmt.Errorf("unpacking %q: %w", h.File, err)
		}
		to := filepath.Join(dir, a.String())
		if err := os.MkdirAll(to, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, vmlinuxHeader), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// readHeader returns the vmlinux.h in an archive.
func readHeader(file string) ([]byte, error) {
	f, err := vmlinux.Files.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	plain, err := compression.NewReader(compression.XZ, f)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	for tr := tar.NewReader(plain); ; {
		h, err := tr.Next()
		if err != nil {
			return nil, fmt.Errorf("looking for %s: %w", vmlinuxHeader, err)
		}
		if path.Clean(h.Name) == vmlinuxHeader {
			return io.ReadAll(io.LimitReader(tr, maxHeader))
		}
	}
}
