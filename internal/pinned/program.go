package pinned

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// Program is a program of pinned packages with the libraries it was built for.
type Program struct {
	Name string
	// Command starts it by its own loader, so that it needs nothing of the
	// machine; arguments follow.
	Command []string
}

// Program returns a program of a lock file's default bundle for machines of
// architecture a. Its packages are fetched and unpacked where the cache does not
// have them.
func (c Cache) Program(ctx context.Context, a arch.Arch, lockFile []byte, name string) (Program, error) {
	b, err := ParseLock(lockFile)
	if err != nil {
		return Program{}, err
	}
	file, ok := b.Programs[name]
	if !ok {
		return Program{}, fmt.Errorf("reading lock file: it has no program %q", name)
	}
	host, err := b.On(a)
	if err != nil {
		return Program{}, err
	}
	sum := sha256.Sum256(lockFile)
	dir := filepath.Join(c.Dir, name+"-"+hex.EncodeToString(sum[:8])+"-"+a.String())
	err = c.Once(dir, func(tmp string) error {
		for _, pkg := range host.Packages {
			if err := c.Install(ctx, tmp, pkg); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Program{}, fmt.Errorf("getting the pinned %s: %w", name, err)
	}
	in := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	var libraries []string
	for _, lib := range host.LibraryDirs() {
		libraries = append(libraries, in(lib))
	}
	return Program{Name: name, Command: []string{
		in(host.Loader), "--library-path", strings.Join(libraries, ":"), in(file),
	}}, nil
}
