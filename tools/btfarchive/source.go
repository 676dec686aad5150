package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
	"github.com/rules-gadget/rules_gadget/internal/deb"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
	"github.com/rules-gadget/rules_gadget/internal/vmlinuz"
)

// maxVmlinux bounds a vmlinux that is copied out of a package.
const maxVmlinux = 4 << 30

// source is one kernel's identity and BTF.
type source struct {
	kernel.Identity
	btf []byte
}

// host reads the running kernel's BTF and identity.
func (c *add) host(root fs.FS) (source, error) {
	id, err := kernel.FromHost()
	if err != nil {
		return source{}, err
	}
	data, err := fs.ReadFile(root, kernel.SysBTF)
	if err != nil {
		return source{}, fmt.Errorf("this kernel does not expose its BTF: %w", err)
	}
	k, err := vmlinuz.Extract(data)
	if err != nil {
		return source{}, err
	}
	if c.Distro != "" {
		id.Distro = c.Distro
	}
	if c.Version != "" {
		id.Version = c.Version
	}
	return source{Identity: id, btf: k.BTF}, nil
}

// read reads the kernel in one input file.
func (c *add) read(ctx context.Context, input string) (source, error) {
	if strings.HasSuffix(input, ".deb") {
		return c.readDeb(ctx, input)
	}
	k, dwarf, err := vmlinuz.ExtractFile(input)
	if errors.Is(err, vmlinuz.ErrNoBTF) && dwarf {
		k.BTF, err = c.fromDWARF(ctx, input)
	}
	if err != nil {
		return source{}, explain(err)
	}
	return c.identify(k, releaseOf(input))
}

// explain adds the hint to an error that has one.
func explain(err error) error {
	if errors.Is(err, vmlinuz.ErrNoBTF) {
		return fmt.Errorf("%w, take its debug package's vmlinux (DWARF) and have pahole installed", err)
	}
	return err
}

// releaseOf returns the release in a file name such as vmlinuz-6.1.0-9-amd64
// or usr/lib/modules/6.19-amd64/vmlinuz, or "".
func releaseOf(name string) string {
	dir, base := path.Split(filepath.ToSlash(name))
	stem, isBTF := strings.CutSuffix(base, ".btf")
	for _, prefix := range []string{"vmlinuz-", "vmlinux-", "Image-"} {
		if r, ok := strings.CutPrefix(stem, prefix); ok {
			return r
		}
	}
	if isBTF {
		return stem
	}
	if parent := path.Base(path.Dir(path.Clean(dir))); parent == "modules" {
		return path.Base(dir)
	}
	return ""
}

// identify joins what the image, its name and the command line say. The
// command line wins for the release; an arch that contradicts the image does
// not pass.
func (c *add) identify(k vmlinuz.Kernel, fromName string) (source, error) {
	id := kernel.Identity{Distro: c.Distro, Version: c.Version, Arch: k.Arch, Release: k.Release}
	if fromName != "" {
		id.Release = fromName
	}
	if c.Release != "" {
		id.Release = c.Release
	}
	if id.Arch == "" {
		id.Arch = c.arch
	}
	switch {
	case id.Release == "":
		return source{}, errors.New("the input does not name its release, give --release")
	case id.Arch == "":
		return source{}, errors.New("the input does not name its architecture, give --arch")
	case c.arch != "" && c.arch != id.Arch:
		return source{}, fmt.Errorf("this is an %s kernel, but --arch is %s", id.Arch, c.arch)
	}
	return source{Identity: id, btf: k.BTF}, nil
}

// readDeb reads the kernel image or the vmlinux in a package.
func (c *add) readDeb(ctx context.Context, input string) (source, error) {
	f, err := os.Open(input)
	if err != nil {
		return source{}, err
	}
	defer f.Close()
	var src source
	found := false
	ctl, err := deb.Read(f, func(h *tar.Header, r io.Reader) error {
		if h.Typeflag != tar.TypeReg || !isKernelPath(h.Name) {
			return nil
		}
		found = true
		var err error
		if src, err = c.readEntry(ctx, h, r); err != nil {
			return fmt.Errorf("reading %q: %w", h.Name, err)
		}
		return fs.SkipAll
	})
	if err != nil {
		return source{}, err
	}
	if !found {
		return source{}, fmt.Errorf("package %s contains no kernel, from Linux 6.19 on Debian's are in linux-binary-*",
			ctl.Package)
	}
	if a, err := arch.Parse(ctl.Architecture); err == nil && a != src.Arch {
		return source{}, fmt.Errorf("the package is for %s, its kernel for %s", a, src.Arch)
	}
	return src, nil
}

// isKernelPath reports whether a file of a package is a kernel.
func isKernelPath(name string) bool {
	dir, base := path.Split(name)
	if dir == "boot/" {
		return strings.HasPrefix(base, "vmlinuz-") || strings.HasPrefix(base, "vmlinux-")
	}
	modules := strings.HasPrefix(dir, "usr/lib/modules/") || strings.HasPrefix(dir, "lib/modules/") ||
		strings.HasPrefix(dir, "usr/lib/debug/lib/modules/")
	return modules && (base == "vmlinuz" || base == "vmlinux") && strings.Count(strings.TrimPrefix(dir, "usr/"), "/") <= 5
}

// readEntry copies one file of a package to disk, for a vmlinux with DWARF is
// too big for memory and pahole wants a file, and reads that.
func (c *add) readEntry(ctx context.Context, h *tar.Header, r io.Reader) (source, error) {
	if h.Size > maxVmlinux {
		return source{}, fmt.Errorf("%d bytes, the limit is %d", h.Size, int64(maxVmlinux))
	}
	tmp, err := os.MkdirTemp("", "btfarchive")
	if err != nil {
		return source{}, err
	}
	defer os.RemoveAll(tmp)
	name := filepath.Join(tmp, "kernel")
	f, err := os.Create(name)
	if err != nil {
		return source{}, err
	}
	_, err = io.Copy(f, r)
	if err := errors.Join(err, f.Close()); err != nil {
		return source{}, err
	}
	k, dwarf, err := vmlinuz.ExtractFile(name)
	if errors.Is(err, vmlinuz.ErrNoBTF) && dwarf {
		k.BTF, err = c.fromDWARF(ctx, name)
	}
	if err != nil {
		return source{}, explain(err)
	}
	return c.identify(k, releaseOf(h.Name))
}

// write writes the archive of src and returns its path.
func (c *add) write(src source) (string, error) {
	for _, part := range []string{src.Distro, src.Version} {
		if part == "" || part == "." || part == ".." || strings.ContainsAny(part, "/\\\x00") {
			return "", fmt.Errorf("%q cannot be a directory of an archive, give --distro and --version", part)
		}
	}
	dir := filepath.Join(c.Out, src.Distro, src.Version, src.Arch.BTFHub())
	name := filepath.Join(dir, src.Release+".btf.tar.xz")
	if _, err := os.Stat(name); err == nil && !c.Force {
		return name, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, ".btfarchive-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	err = btfhub.WriteArchive(f, src.Release, src.btf)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return "", err
	}
	return name, os.Rename(f.Name(), name)
}
