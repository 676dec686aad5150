// Package toolchain provides the compiler and the headers for gadgets that are
// built without Bazel: the pinned ones, which are those of the Bazel
// toolchain, byte for byte, or the machine's own. It opens no socket: the
// caller fetches.
package toolchain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/gadgets/include"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
	"github.com/rules-gadget/rules_gadget/internal/pinned"
	"github.com/rules-gadget/rules_gadget/toolchain/lock"
	"github.com/rules-gadget/rules_gadget/toolchain/vmlinux"
)

// maxFetches is how many packages are fetched at once.
const maxFetches = 4

// Names of the directories of an unpacked toolchain.
const (
	rootDir    = "root"    // files of the packages
	libbpfDir  = "libbpf"  // libbpf's headers
	linuxDir   = "linux"   // the kernel's headers for programs
	gadgetDir  = "gadget"  // our headers
	vmlinuxDir = "vmlinux" // one directory per architecture
)

// Pinned is the toolchain of the lock files, below a cache directory.
type Pinned struct {
	// Cache is the directory that it is kept in; it may be removed at any time.
	Cache string
	// Host is the architecture of this machine.
	Host arch.Arch
	// Fetch gets packages that are not there.
	Fetch pinned.Fetch
}

func (p Pinned) cache() pinned.Cache { return pinned.Cache{Dir: p.Cache, Fetch: p.Fetch} }

// Key identifies the toolchain: it changes with every byte of it.
func Key() (string, error) {
	h := sha256.New()
	for _, data := range [][]byte{lock.LLVM, lock.Libbpf, lock.Linux, []byte(vmlinux.Archive)} {
		sum := sha256.Sum256(data)
		h.Write(sum[:])
	}
	err := fs.WalkDir(include.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(include.Files, name)
		sum := sha256.Sum256(data)
		fmt.Fprintf(h, "%s %x\n", name, sum)
		return err
	})
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Toolchains returns the toolchain for each of archs. It is fetched and
// unpacked where the cache does not have it: once, also when several processes
// need it at the same time.
func (p Pinned) Toolchains(ctx context.Context, archs []arch.Arch) (map[arch.Arch]assemble.Toolchain, error) {
	key, err := Key()
	if err != nil {
		return nil, err
	}
	llvm, err := pinned.ParseLock(lock.LLVM)
	if err != nil {
		return nil, err
	}
	host, err := llvm.On(p.Host)
	if err != nil {
		return nil, fmt.Errorf("%w, use the machine's own clang with --local", err)
	}
	dir := filepath.Join(p.Cache, "toolchain-"+key[:16]+"-"+p.Host.String())
	if err := p.cache().Once(dir, func(tmp string) error { return p.fill(ctx, tmp, host) }); err != nil {
		return nil, fmt.Errorf("getting the pinned toolchain: %w", err)
	}
	root := func(name string) string { return filepath.Join(dir, rootDir, filepath.FromSlash(name)) }
	out := map[arch.Arch]assemble.Toolchain{}
	for _, a := range archs {
		tc := assemble.Toolchain{
			Loader: root(host.Loader), Clang: root(llvm.Programs["clang"]), Strip: root(llvm.Programs["llvm-strip"]),
			ResourceDir: root(llvm.Headers),
			SystemIncludes: []string{
				filepath.Join(dir, gadgetDir), filepath.Join(dir, libbpfDir, "usr", "include"),
				filepath.Join(dir, linuxDir, "usr", "include"), filepath.Join(dir, linuxDir, "usr", "include", "x86_64-linux-gnu"),
				filepath.Join(dir, vmlinuxDir, a.String()),
			},
		}
		for _, lib := range host.LibraryDirs() {
			tc.LibraryPath = append(tc.LibraryPath, root(lib))
		}
		out[a] = tc
	}
	return out, nil
}

// Packages lists what the toolchain is made of on this machine.
func (p Pinned) Packages() ([]pinned.Package, error) {
	var all []pinned.Package
	for _, data := range [][]byte{lock.LLVM, lock.Libbpf, lock.Linux} {
		b, err := pinned.ParseLock(data)
		if err != nil {
			return nil, err
		}
		m, err := b.On(p.Host)
		if err != nil {
			return nil, err
		}
		all = append(all, m.Packages...)
	}
	return all, nil
}

// fill writes the parts of the toolchain into dir.
func (p Pinned) fill(ctx context.Context, dir string, host pinned.Machine) error {
	parts := map[string][]pinned.Package{rootDir: host.Packages}
	for to, data := range map[string][]byte{libbpfDir: lock.Libbpf, linuxDir: lock.Linux} {
		headers, err := pinned.ParseLock(data)
		if err != nil {
			return err
		}
		m, err := headers.On(p.Host)
		if err != nil {
			return err
		}
		parts[to] = m.Packages
	}
	if err := writeTree(filepath.Join(dir, gadgetDir), include.Files); err != nil {
		return err
	}
	if err := writeVmlinux(filepath.Join(dir, vmlinuxDir)); err != nil {
		return err
	}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(maxFetches)
	for to, packages := range parts {
		for _, pkg := range packages {
			group.Go(func() error { return p.cache().Install(gctx, filepath.Join(dir, to), pkg) })
		}
	}
	return group.Wait()
}
