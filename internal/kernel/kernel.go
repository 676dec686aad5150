// Package kernel says which kernel a node runs: the distribution and version
// from os-release, the architecture and release from uname, and where such a
// kernel keeps BTF of its own. It depends on nothing but the file system it is
// given, so every answer can be tested without the kernel in question.
package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// maxOSRelease is the most that is read of an os-release file; real ones have
// less than a kilobyte.
const maxOSRelease = 64 << 10

// Identity names one kernel of one distribution.
type Identity struct {
	Distro  string    // os-release ID, such as "debian" or "amzn"
	Version string    // os-release VERSION_ID, such as "12"; may be empty
	Arch    arch.Arch // architecture of the kernel
	Release string    // what uname -r prints
}

// String returns the identity as "distro version arch release", with a dash
// for what is not known.
func (id Identity) String() string {
	dash := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	return fmt.Sprintf("%s %s %s %s", dash(id.Distro), dash(id.Version), dash(id.Arch.String()), dash(id.Release))
}

// FromHost returns the identity of the running kernel. A host without an
// os-release file has an empty Distro and Version, which is not an error: the
// release alone often finds the BTF.
func FromHost() (Identity, error) {
	return FromRoot("/")
}

// FromRoot is FromHost with the os-release of another root directory, for a
// runner in a container that has the host's file system at /host.
func FromRoot(root string) (Identity, error) {
	id, err := Uname()
	if err != nil {
		return Identity{}, err
	}
	osr, err := readOSRelease(os.DirFS(root))
	if err != nil {
		return Identity{}, err
	}
	id.Distro, id.Version = osr.ID, osr.VersionID
	return id, nil
}

// Uname returns the part of the identity that the kernel itself knows: Arch
// and Release.
func Uname() (Identity, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return Identity{}, fmt.Errorf("reading uname: %w", err)
	}
	machine := unix.ByteSliceToString(u.Machine[:])
	a, err := arch.Parse(machine)
	if err != nil {
		return Identity{}, fmt.Errorf("reading the machine that uname gives: %w", err)
	}
	return Identity{Arch: a, Release: unix.ByteSliceToString(u.Release[:])}, nil
}

// readOSRelease reads etc/os-release or, as os-release(5) orders,
// usr/lib/os-release.
func readOSRelease(root fs.FS) (OSRelease, error) {
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		f, err := root.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return OSRelease{}, fmt.Errorf("opening os-release: %w", err)
		}
		data, err := readLimited(f, maxOSRelease)
		f.Close()
		if err != nil {
			return OSRelease{}, fmt.Errorf("reading %q: %w", "/"+name, err)
		}
		osr, err := ParseOSRelease(data)
		if err != nil {
			return OSRelease{}, fmt.Errorf("reading %q: %w", "/"+name, err)
		}
		return osr, nil
	}
	return OSRelease{}, nil
}

// readLimited reads all of r and refuses more than limit bytes.
func readLimited(r io.Reader, limit int64) ([]byte, error) {
	var buf bytes.Buffer
	n, err := io.Copy(&buf, io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, fmt.Errorf("more than %d bytes", limit)
	}
	return buf.Bytes(), nil
}
