package lockfile

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	sha256Pattern = regexp.MustCompile(`^[0-9a-f]{64}$`)
	poolPattern   = regexp.MustCompile(`^pool/main/[a-z0-9]+/[a-z0-9.+-]+/[A-Za-z0-9.+~_%-]+\.deb$`)
	bundlePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)
)

// Validate checks what the repository rules rely on.
func (l *Lock) Validate() error {
	if l.Format != Format {
		return fmt.Errorf("format is %d, want %d", l.Format, Format)
	}
	if len(l.Bundles) == 0 {
		return fmt.Errorf("no bundles")
	}
	if _, found := l.Bundles[l.Default]; l.Default != "" && !found {
		return fmt.Errorf("the default %q is not a bundle", l.Default)
	}
	for name, bundle := range l.Bundles {
		if !bundlePattern.MatchString(name) {
			return fmt.Errorf("bundle %q: the name cannot be part of a repository name", name)
		}
		if err := bundle.validate(); err != nil {
			return fmt.Errorf("bundle %q: %w", name, err)
		}
	}
	return nil
}

func (b Bundle) validate() error {
	if b.Suite == "" || len(b.Machines) == 0 {
		return fmt.Errorf("no suite or no machines")
	}
	for name, machine := range b.Machines {
		if err := machine.validate(b); err != nil {
			return fmt.Errorf("machine %q: %w", name, err)
		}
	}
	return nil
}

func (m Machine) validate(b Bundle) error {
	kept := map[string]string{}
	for _, p := range m.Packages {
		if err := p.validate(); err != nil {
			return fmt.Errorf("package %q: %w", p.Name, err)
		}
		for _, file := range p.Files {
			if other := kept[file]; other != "" {
				return fmt.Errorf("packages %q and %q both have %q", other, p.Name, file)
			}
			kept[file] = p.Name
		}
	}
	byName := func(a, b Package) int { return cmp.Compare(a.Name, b.Name) }
	if !slices.IsSortedFunc(m.Packages, byName) {
		return fmt.Errorf("packages are not sorted by name")
	}
	needed := []string{m.Loader}
	for _, program := range b.Programs {
		needed = append(needed, program)
	}
	for _, file := range needed {
		if file != "" && kept[file] == "" {
			return fmt.Errorf("no package has %q", file)
		}
	}
	return nil
}

func (p Package) validate() error {
	switch {
	case p.Name == "" || p.Version == "" || p.Size <= 0:
		return fmt.Errorf("no name, version or size")
	case !poolPattern.MatchString(p.Path):
		return fmt.Errorf("path %q is not below pool/main", p.Path)
	case !sha256Pattern.MatchString(p.SHA256):
		return fmt.Errorf("sha256 %q is not 64 hexadecimal digits", p.SHA256)
	case len(p.Files) == 0 || !slices.IsSorted(p.Files):
		return fmt.Errorf("files are missing or not sorted")
	}
	for _, file := range p.Files {
		clean := strings.TrimSuffix(file, "/")
		if path.Clean("/"+clean) != "/"+clean {
			return fmt.Errorf("file %q is not a clean relative path", file)
		}
	}
	return nil
}
