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

// LockedKernel is one Debian package that holds a kernel.
type LockedKernel struct {
	Name    string `json:"name"`    // "5.10", or "newest"
	Suite   string `json:"suite"`   // where a refresh looks for a newer one
	Arch    string `json:"arch"`    // as Debian spells it
	Release string `json:"release"` // uname -r
	Version string `json:"version"` // of the package
	Path    string `json:"path"`    // relative to a mirror
	SHA256  string `json:"sha256"`
	Size    int64  `json:"size"`
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
	case !sha256Hex.MatchString(e.SHA256):
		return fmt.Errorf("%q is not a sha256", e.SHA256)
	case !strings.HasPrefix(e.Path, "pool/") || !strings.HasSuffix(e.Path, ".deb") || strings.Contains(e.Path, ".."):
		return fmt.Errorf("%q is not a package of a mirror", e.Path)
	case !strings.Contains(e.Path, e.Release) || e.Release == "":
		return fmt.Errorf("path %q does not name release %q", e.Path, e.Release)
	case e.Suite == "" || e.Arch == "" || e.Version == "" || e.Size <= 0:
		return errors.New("suite, arch, version or size is missing")
	}
	return nil
}
