// Package vm boots a Linux kernel in QEMU with a small initramfs, has a
// gadget and a workload run in it, and reports what the gadget said. Guest is
// the part that runs inside as process 1; Run is the part outside. The two
// talk over a second serial port, one JSON object a line, so that kernel
// messages on the console can never be taken for results.
package vm

import (
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// File is one file of an initramfs.
type File struct {
	Name   string // without a leading slash, such as "bin/gadget-run"
	Path   string // file on the host whose content it gets; or
	Data   []byte // its content
	Mode   uint32 // permission bits
	device string // for the one device node: "major,minor"
}

const (
	cpioDir     = 0o040000
	cpioFile    = 0o100000
	cpioChar    = 0o020000
	cpioTrailer = "TRAILER!!!"
)

// WriteInitramfs writes files as an uncompressed cpio archive in the newc
// form, the one that kernels unpack. Parent directories and /dev/console are
// added. The same files give the same bytes.
func WriteInitramfs(w io.Writer, files []File) error {
	files = append(slices.Clone(files), File{Name: "dev/console", Mode: 0o600, device: "5,1"})
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	c := &cpioWriter{w: w, dirs: map[string]bool{".": true}}
	for i, f := range files {
		if err := checkName(f.Name); err != nil {
			return fmt.Errorf("writing the initramfs: %w", err)
		}
		if i > 0 && files[i-1].Name == f.Name {
			return fmt.Errorf("writing the initramfs: two files named %q", f.Name)
		}
		if err := c.file(f); err != nil {
			return fmt.Errorf("writing %q to the initramfs: %w", f.Name, err)
		}
	}
	if err := c.entry(cpioTrailer, 0, 0, [2]int{}); err != nil {
		return fmt.Errorf("writing the initramfs: %w", err)
	}
	return nil
}

func checkName(name string) error {
	if name == "" || path.IsAbs(name) || path.Clean(name) != name || strings.HasPrefix(name, "..") || name == cpioTrailer {
		return fmt.Errorf("%q cannot be a file of an initramfs", name)
	}
	return nil
}

type cpioWriter struct {
	w    io.Writer
	n    int64 // bytes written
	ino  int
	dirs map[string]bool // directories written so far
}

// file writes one file after its parent directories.
func (c *cpioWriter) file(f File) error {
	if err := c.dir(path.Dir(f.Name)); err != nil {
		return err
	}
	if f.device != "" {
		var dev [2]int
		if _, err := fmt.Sscanf(f.device, "%d,%d", &dev[0], &dev[1]); err != nil {
			return err
		}
		return c.entry(f.Name, cpioChar|f.Mode, 0, dev)
	}
	if f.Path == "" {
		if err := c.entry(f.Name, cpioFile|f.Mode, int64(len(f.Data)), [2]int{}); err != nil {
			return err
		}
		return c.write(f.Data)
	}
	return c.copyFile(f)
}

// copyFile writes a file whose content is on the host.
func (c *cpioWriter) copyFile(f File) error {
	src, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	if err := c.entry(f.Name, cpioFile|f.Mode, info.Size(), [2]int{}); err != nil {
		return err
	}
	n, err := io.CopyN(c.w, src, info.Size())
	c.n += n
	if err != nil {
		return err
	}
	return c.pad()
}

// dir writes a directory and those above it, once.
func (c *cpioWriter) dir(name string) error {
	if c.dirs[name] {
		return nil
	}
	if err := c.dir(path.Dir(name)); err != nil {
		return err
	}
	c.dirs[name] = true
	return c.entry(name, cpioDir|0o755, 0, [2]int{})
}

// entry writes a header and name.
func (c *cpioWriter) entry(name string, mode uint32, size int64, dev [2]int) error {
	const maxSize = 1<<32 - 1
	if size > maxSize {
		return fmt.Errorf("%d bytes, the format has room for %d", size, int64(maxSize))
	}
	c.ino++
	h := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		c.ino, mode, 0, 0, 1, 0, size, 0, 0, dev[0], dev[1], len(name)+1, 0, name)
	return c.write([]byte(h))
}

// write writes data and pads to a multiple of four, as newc wants it after
// names and after contents.
func (c *cpioWriter) write(data []byte) error {
	n, err := c.w.Write(data)
	c.n += int64(n)
	if err != nil {
		return err
	}
	return c.pad()
}

func (c *cpioWriter) pad() error {
	n, err := c.w.Write(make([]byte, -c.n&3))
	c.n += int64(n)
	return err
}
