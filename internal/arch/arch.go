// Package arch is the one table of architecture names. An Arch is spelled
// like GOARCH everywhere in this project; every other spelling (the kernel's,
// btfhub's, Debian's) comes from a method of Arch and enters through Parse.
package arch

import (
	"fmt"
	"runtime"
)

// Arch is an architecture that gadgets are built for, spelled like GOARCH.
type Arch string

// The supported architectures.
const (
	AMD64 Arch = "amd64"
	ARM64 Arch = "arm64"
)

// names holds, for one Arch, the spellings that other systems use.
type names struct {
	uname  string // uname -m
	btfhub string // directory name in a btfhub archive
	target string // suffix of -D__TARGET_ARCH_
}

var table = map[Arch]names{
	AMD64: {uname: "x86_64", btfhub: "x86_64", target: "x86"},
	ARM64: {uname: "aarch64", btfhub: "arm64", target: "arm64"},
}

// All returns the supported architectures, sorted.
func All() []Arch { return []Arch{AMD64, ARM64} }

// Host returns the architecture of the running process. It is not supported
// (see Supported) when the process was built for another GOARCH.
func Host() Arch { return Arch(runtime.GOARCH) }

// Parse returns the Arch that s means in any known spelling: "amd64",
// "x86_64", "x86", "arm64" or "aarch64".
func Parse(s string) (Arch, error) {
	for _, a := range All() {
		n := table[a]
		if s == string(a) || s == n.uname || s == n.btfhub || s == n.target {
			return a, nil
		}
	}
	return "", fmt.Errorf("unknown architecture %q, use amd64 or arm64", s)
}

// Supported reports whether gadgets can be built for a.
func (a Arch) Supported() bool { _, ok := table[a]; return ok }

// String returns the GOARCH spelling, which is also Debian's and OCI's.
func (a Arch) String() string { return string(a) }

// Uname returns what uname -m prints: "x86_64" or "aarch64".
func (a Arch) Uname() string { return table[a].uname }

// BTFHub returns the directory name in a btfhub archive: "x86_64" or "arm64",
// never "aarch64".
func (a Arch) BTFHub() string { return table[a].btfhub }

// Target returns the X of libbpf's -D__TARGET_ARCH_X: "x86" or "arm64".
func (a Arch) Target() string { return table[a].target }
