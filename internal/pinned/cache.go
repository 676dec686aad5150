package pinned

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/deb"
)

// Fetch returns the verified content of a package.
type Fetch func(ctx context.Context, p Package) ([]byte, error)

// Cache is a directory of what was fetched and unpacked; it may be removed at any
// time.
type Cache struct {
	Dir string
	// Fetch gets packages that are not there.
	Fetch Fetch
}

// Once fills dir, which is below the cache and appears when it is complete, unless it
// is there.
func (c Cache) Once(dir string, fill func(tmp string) error) (err error) {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	guard, err := os.OpenFile(filepath.Join(c.Dir, "toolchain.lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer guard.Close()
	if err := unix.Flock(int(guard.Fd()), unix.LOCK_EX); err != nil {
		return err
	}
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	tmp := dir + ".tmp" // what a killed process left is under the lock, so unused
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	if err := os.Mkdir(tmp, 0o755); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(tmp))
		}
	}()
	if err := fill(tmp); err != nil {
		return err
	}
	return os.Rename(tmp, dir)
}

// Install fetches a package and writes its wanted files below dir.
func (c Cache) Install(ctx context.Context, dir string, pkg Package) error {
	data, err := c.Fetch(ctx, pkg)
	if err != nil {
		return fmt.Errorf("fetching %s %s: %w", pkg.Name, pkg.Version, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	_, err = deb.Read(bytes.NewReader(data), func(h *tar.Header, r io.Reader) error {
		if name := path.Clean(h.Name); pkg.wants(name) {
			return writeEntry(root, name, h, r)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", pkg.Name, err)
	}
	return nil
}

// writeEntry writes a file or a symbolic link; directories are made as needed.
func writeEntry(root *os.Root, name string, h *tar.Header, r io.Reader) error {
	if h.Typeflag == tar.TypeDir {
		return root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeSymlink:
		return root.Symlink(h.Linkname, name)
	case tar.TypeReg:
		f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, fs.FileMode(h.Mode)&0o755)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, r)
		return errors.Join(err, f.Close())
	}
	return fmt.Errorf("%q is neither a file nor a link", name)
}
