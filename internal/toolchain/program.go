package toolchain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
)

// Program is a program of pinned packages with the libraries it was built for.
type Program struct {
	Name string
	// Command starts it by its own loader, so that it needs nothing of the
	// machine; arguments follow.
	Command []string
}

// Program returns a program of a lock file's default bundle. Its packages are
// fetched and unpacked where the cache does not have them.
func (p Pinned) Program(ctx context.Context, lockFile []byte, name string) (Program, error) {
	b, err := parseLock(lockFile)
	if err != nil {
		return Program{}, err
	}
	file, ok := b.Programs[name]
	if !ok {
		return Program{}, fmt.Errorf("reading lock file: it has no program %q", name)
	}
	host, err := b.on(p.Host)
	if err != nil {
		return Program{}, err
	}
	sum := sha256.Sum256(lockFile)
	dir := filepath.Join(p.Cache, name+"-"+hex.EncodeToString(sum[:8])+"-"+p.Host.String())
	err = p.once(dir, func(tmp string) error {
		for _, pkg := range host.Packages {
			if err := p.install(ctx, tmp, pkg); err != nil {
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
	for _, lib := range host.libraryDirs() {
		libraries = append(libraries, in(lib))
	}
	return Program{Name: name, Command: []string{in(host.Loader), "--library-path", strings.Join(libraries, ":"), in(file)}}, nil
}
