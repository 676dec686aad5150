// Package toolchain provides the compiler and the headers for gadgets that are
// built without Bazel: the pinned ones, which are those of the Bazel
// toolchain, byte for byte, or the machine's own. It opens no socket: the
// caller fetches.
package toolchain

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// lockFormat is the version of the lock files that is understood.
const lockFormat = 1

// anyMachine is the key of packages that are the same for every machine.
const anyMachine = "any"

// Package is a pinned Debian package and what is wanted of it.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Path is where it lies, below a mirror.
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	// Files are wanted; a name that ends with a slash is a whole directory.
	Files []string `json:"files"`
}

// wants reports whether the file name is wanted.
func (p Package) wants(name string) bool {
	return slices.ContainsFunc(p.Files, func(f string) bool {
		return name == f || strings.HasSuffix(f, "/") && strings.HasPrefix(name, f)
	})
}

// lockFile is a lock file of Debian packages.
type lockFile struct {
	Format  int               `json:"format"`
	Default string            `json:"default"`
	Bundles map[string]bundle `json:"bundles"`
}

// bundle is one version of what a lock file is about.
type bundle struct {
	Programs map[string]string  `json:"programs"`
	Headers  string             `json:"headers"`
	Machines map[string]machine `json:"machines"`
}

// machine is a bundle for one kind of build machine.
type machine struct {
	Loader   string    `json:"loader"`
	Packages []Package `json:"packages"`
}

// libraryDirs are the directories of shared libraries, sorted.
func (m machine) libraryDirs() []string {
	var dirs []string
	for _, p := range m.Packages {
		for _, f := range p.Files {
			if strings.Contains(path.Base(f), ".so") {
				dirs = append(dirs, path.Dir(f))
			}
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// parseLock returns the default bundle of a lock file.
func parseLock(data []byte) (bundle, error) {
	var l lockFile
	if err := json.Unmarshal(data, &l); err != nil {
		return bundle{}, fmt.Errorf("reading lock file: %w", err)
	}
	b, ok := l.Bundles[l.Default]
	if l.Format != lockFormat || !ok {
		return bundle{}, fmt.Errorf("reading lock file: format %d with default %q is not understood", l.Format, l.Default)
	}
	return b, nil
}

// on returns the bundle's part for build machines of architecture a.
func (b bundle) on(a arch.Arch) (machine, error) {
	for _, key := range []string{a.String(), anyMachine} {
		if m, ok := b.Machines[key]; ok {
			return m, nil
		}
	}
	return machine{}, fmt.Errorf("nothing pinned runs on %s machines", a)
}

// headersLock is vmlinux.json.
type headersLock struct {
	Format  int `json:"format"`
	Headers map[arch.Arch]struct {
		File string `json:"file"`
	} `json:"headers"`
}

func parseHeaders(data []byte) (headersLock, error) {
	var l headersLock
	if err := json.Unmarshal(data, &l); err != nil {
		return l, fmt.Errorf("reading lock file: %w", err)
	}
	if l.Format != lockFormat {
		return l, fmt.Errorf("reading lock file: format %d is not understood", l.Format)
	}
	return l, nil
}
