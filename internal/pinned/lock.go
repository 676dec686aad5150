// Package pinned has Debian packages that a lock file names, unpacked below a cache
// directory: verified, each once, by the process that needs it first. It opens no
// socket: the caller fetches.
package pinned

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// LockFormat is the version of the lock files that is understood.
const LockFormat = 1

// anyMachine is the key of packages that are the same for every machine.
const anyMachine = "any"

// Package is a pinned Debian package and what is wanted of it.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Path is its path below a mirror.
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
	Bundles map[string]Bundle `json:"bundles"`
}

// Bundle is one version of what a lock file is about.
type Bundle struct {
	Programs map[string]string  `json:"programs"`
	Headers  string             `json:"headers"`
	Machines map[string]Machine `json:"machines"`
}

// Machine is a bundle for one kind of build machine.
type Machine struct {
	Loader   string    `json:"loader"`
	Packages []Package `json:"packages"`
}

// LibraryDirs are the directories of shared libraries, sorted.
func (m Machine) LibraryDirs() []string {
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

// ParseLock returns the default bundle of a lock file.
func ParseLock(data []byte) (Bundle, error) {
	var l lockFile
	if err := json.Unmarshal(data, &l); err != nil {
		return Bundle{}, fmt.Errorf("reading lock file: %w", err)
	}
	b, ok := l.Bundles[l.Default]
	if l.Format != LockFormat || !ok {
		return Bundle{}, fmt.Errorf("reading lock file: format %d with default %q is not understood", l.Format, l.Default)
	}
	return b, nil
}

// On returns the bundle's part for build machines of architecture a.
func (b Bundle) On(a arch.Arch) (Machine, error) {
	for _, key := range []string{a.String(), anyMachine} {
		if m, ok := b.Machines[key]; ok {
			return m, nil
		}
	}
	return Machine{}, fmt.Errorf("nothing pinned runs on %s machines", a)
}
