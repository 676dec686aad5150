// Package lockfile holds the format of the lock files in toolchain/lock, which the repository rules in
// toolchain/private read, and of wanted.json, from which they are made.
package lockfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// Format is the version of the lock files' format.
const Format = 1

// AnyMachine is the machine of a bundle that holds no programs.
const AnyMachine = "any"

// Lock is one lock file: what to fetch for every bundle.
type Lock struct {
	Format  int               `json:"format"`
	Default string            `json:"default,omitempty"` // the bundle that is used unless another is requested
	Bundles map[string]Bundle `json:"bundles"`           // by version (llvm, libbpf) or by name of a tool
}

// Bundle is a tree of files that comes out of Debian packages.
type Bundle struct {
	Suite    string            `json:"suite"`
	Programs map[string]string `json:"programs,omitempty"` // path in the tree by name
	// directory in the tree: resource directory of clang, or include directory
	Headers string            `json:"headers,omitempty"`
	Args    []string          `json:"args,omitempty"` // first arguments of every program; {tree} is the tree
	Env     map[string]string `json:"env,omitempty"`  // environment of every program, with the same {tree}
	// loader and libraries are those of the toolchain, not in the tree
	Shares   bool               `json:"shares,omitempty"`
	Machines map[string]Machine `json:"machines"` // by GOARCH of the machine that runs the programs
}

// Machine is a bundle for one architecture.
type Machine struct {
	Loader   string    `json:"loader,omitempty"` // path in the tree; empty where the programs are static
	Packages []Package `json:"packages"`
}

// Package is one Debian package and the part of it that the bundle needs.
type Package struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Path    string   `json:"path"` // relative to a mirror
	SHA256  string   `json:"sha256"`
	Size    int64    `json:"size"`
	Files   []string `json:"files"` // kept paths; one that ends with a slash means a whole directory
}

// Wanted describes what a bundle is made of.
type Wanted struct {
	Suite    string            `json:"suite"`
	Packages []string          `json:"packages"` // their dependencies are found
	Machines []string          `json:"machines,omitempty"`
	Programs map[string]string `json:"programs,omitempty"`
	Headers  string            `json:"headers,omitempty"`
	Args     []string          `json:"args,omitempty"`
	Env      map[string]string `json:"env,omitempty"`
	Shares   bool              `json:"shares,omitempty"`
	Keep     []string          `json:"keep,omitempty"` // files and directories in addition to programs and their libraries
}

// WantedLock is what one lock file is made of.
type WantedLock struct {
	Default string            `json:"default,omitempty"`
	Bundles map[string]Wanted `json:"bundles"`
}

// ReadWanted reads wanted.json: what every lock file is made of, by the file's name without ".json".
func ReadWanted(path string) (map[string]WantedLock, error) {
	wanted := map[string]WantedLock{}
	err := read(path, &wanted)
	return wanted, err
}

// Read reads and validates a lock file.
func Read(path string) (*Lock, error) {
	lock := &Lock{}
	if err := read(path, lock); err != nil {
		return nil, err
	}
	if err := lock.Validate(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return lock, nil
}

// Marshal returns the canonical text of a lock file.
func (l *Lock) Marshal() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(l); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

func read(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}
