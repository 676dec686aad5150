// Package btfhub reads and writes what btfhub's archive is made of: the path
// grammar, the archives of one kernel each, and the btfgen layer that a gadget
// carries, with the lookup of a node's kernel in it.
package btfhub

import (
	"fmt"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
)

// Suffixes of the files in an archive and in a layer.
const (
	ArchiveSuffix = ".btf.tar.xz"
	BTFSuffix     = ".btf"
)

// Shard is the directory of all archives of one distribution, version and arch.
// Version is btfhub's spelling ("bullseye"), not that of os-release ("11").
type Shard struct {
	Distro, Version string
	Arch            arch.Arch
}

// String returns the shard's path, "debian/bullseye/x86_64".
func (s Shard) String() string {
	return s.Distro + "/" + s.Version + "/" + s.Arch.BTFHub()
}

// Kernel returns the identity of one kernel of the shard.
func (s Shard) Kernel(release string) kernel.Identity {
	return kernel.Identity{Distro: s.Distro, Version: s.Version, Arch: s.Arch, Release: release}
}

// ParseShard reads "<distro>/<version>/<arch>". The arch is x86_64 or arm64,
// as the archive spells it.
func ParseShard(path string) (Shard, error) {
	parts := strings.Split(path, "/")
	if len(parts) != 3 || !action.CleanName(path) {
		return Shard{}, fmt.Errorf("shard %q is not <distro>/<version>/<arch>", path)
	}
	a, err := arch.Parse(parts[2])
	if err != nil || a.BTFHub() != parts[2] {
		return Shard{}, fmt.Errorf("shard %q: architecture %q is none of btfhub's, use x86_64 or arm64", path, parts[2])
	}
	return Shard{Distro: parts[0], Version: parts[1], Arch: a}, nil
}

// ParseRelease returns the release that the name of an archive begins with:
// "6.1.0-47-cloud-amd64" of "6.1.0-47-cloud-amd64.btf.tar.xz".
func ParseRelease(name string) (string, error) {
	release, ok := strings.CutSuffix(name, ArchiveSuffix)
	if !ok || !action.CleanName(release) || strings.Contains(release, "/") {
		return "", fmt.Errorf("archive %q is not named <release>%s", name, ArchiveSuffix)
	}
	return release, nil
}

// ParseArchivePath reads "<distro>/<version>/<arch>/<release>.btf.tar.xz".
func ParseArchivePath(path string) (kernel.Identity, error) {
	dir, name := cutLast(path)
	shard, err := ParseShard(dir)
	if err != nil {
		return kernel.Identity{}, err
	}
	release, err := ParseRelease(name)
	if err != nil {
		return kernel.Identity{}, err
	}
	return shard.Kernel(release), nil
}

// ArchivePath returns where an archive holds the kernel.
func ArchivePath(id kernel.Identity) string { return base(id) + ArchiveSuffix }

// LayerPath returns where a layer holds the kernel's BTF.
func LayerPath(id kernel.Identity) string { return base(id) + BTFSuffix }

func base(id kernel.Identity) string {
	return Shard{Distro: id.Distro, Version: id.Version, Arch: id.Arch}.String() + "/" + id.Release
}

// cutLast splits a path at its last slash.
func cutLast(path string) (dir, name string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}
