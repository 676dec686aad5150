package vm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// KernelsSchema names the form of the lock file of kernels.
const KernelsSchema = "rules_gadget.kernels/v1"

// Kernels is the lock file of the kernels that tests boot: kernels.json.
type Kernels struct {
	Schema  string         `json:"schema"`
	Kernels []LockedKernel `json:"kernels"`
}

// LockedKernel is one Debian package that holds a kernel, and the package of its
// modules.
type LockedKernel struct {
	Name    string `json:"name"`    // "5.10", or "newest"
	Suite   string `json:"suite"`   // where a refresh looks for a newer one
	Arch    string `json:"arch"`    // as Debian spells it
	Release string `json:"release"` // uname -r
	Version string `json:"version"` // of the package
	LockedPackage
	Modules *LockedPackage `json:"modules,omitempty"` // nil where the kernel's package has them
}

// LockedPackage is a file of a mirror.
type LockedPackage struct {
	Path   string `json:"path"` // relative to a mirror
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// Key is the name of the kernel among those of all archs: "amd64-5.10".
func (e LockedKernel) Key() string { return e.Arch + "-" + e.Name }

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// ParseKernels reads and checks the lock file.
func ParseKernels(data []byte) (Kernels, error) {
	var k Kernels
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&k); err != nil {
		return Kernels{}, fmt.Errorf("reading the lock file of kernels: %w", err)
	}
	if k.Schema != KernelsSchema {
		return Kernels{}, fmt.Errorf("reading the lock file of kernels: schema %q, want %q", k.Schema, KernelsSchema)
	}
	seen := map[string]bool{}
	for _, e := range k.Kernels {
		if err := e.check(); err != nil {
			return Kernels{}, fmt.Errorf("reading the lock file of kernels: kernel %q: %w", e.Key(), err)
		}
		if seen[e.Key()] {
			return Kernels{}, fmt.Errorf("reading the lock file of kernels: two kernels named %q", e.Key())
		}
		seen[e.Key()] = true
	}
	return k, nil
}

// check looks at what a mirror or a shell would stumble over.
func (e LockedKernel) check() error {
	switch {
	case e.Name == "" || strings.ContainsAny(e.Name, "/ \""):
		return errors.New("the name cannot be part of a target's name")
	case e.Suite == "" || e.Arch == "" || e.Version == "" || e.Release == "":
		return errors.New("suite, arch, release or version is missing")
	}
	err := e.LockedPackage.check(e.Release)
	if err == nil && e.Modules != nil {
		err = e.Modules.check(e.Release)
	}
	return err
}

func (p LockedPackage) check(release string) error {
	switch {
	case !sha256Hex.MatchString(p.SHA256):
		return fmt.Errorf("%q is not a sha256", p.SHA256)
	case !strings.HasPrefix(p.Path, "pool/") || !strings.HasSuffix(p.Path, ".deb") || strings.Contains(p.Path, ".."):
		return fmt.Errorf("%q is not a package of a mirror", p.Path)
	case !strings.Contains(p.Path, release):
		return fmt.Errorf("path %q does not name release %q", p.Path, release)
	case p.Size <= 0:
		return fmt.Errorf("the size of %q is missing", p.Path)
	}
	return nil
}
