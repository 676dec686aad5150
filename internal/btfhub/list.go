package btfhub

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/kernel"
)

// Archive is one archive in a directory.
type Archive struct {
	Kernel kernel.Identity
	Path   string // of the file
}

// List returns the archives below root, sorted by path. A directory or file that
// can be reached under several names because of symbolic links is listed once,
// under the name that is not a link. Files and directories that do not follow the
// path grammar are not archives and are ignored.
func List(root string) ([]Archive, error) {
	l := lister{root: root, seen: map[place]bool{}}
	if err := l.walk("", 0); err != nil {
		return nil, fmt.Errorf("listing archives: %w", err)
	}
	slices.SortFunc(l.found, func(a, b Archive) int { return strings.Compare(a.Path, b.Path) })
	return l.found, nil
}

// depth is the number of directories above an archive.
const depth = 3

type lister struct {
	root  string
	seen  map[place]bool
	found []Archive
}

// place is a real path, met at a level below the root.
type place struct {
	level int
	real  string
}

// walk goes through one directory: first what is really there, then links.
func (l *lister) walk(rel string, level int) error {
	entries, err := os.ReadDir(filepath.Join(l.root, rel))
	if err != nil {
		return err
	}
	for _, links := range []bool{false, true} {
		for _, e := range entries {
			if (e.Type()&os.ModeSymlink != 0) != links {
				continue
			}
			if err := l.entry(filepath.Join(rel, e.Name()), level); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *lister) entry(rel string, level int) error {
	path := filepath.Join(l.root, rel)
	real, err := filepath.EvalSymlinks(path)
	if err != nil || l.seen[place{level, real}] {
		return nil // a link that leads nowhere is not an archive
	}
	info, err := os.Stat(real)
	if err != nil || info.IsDir() == (level == depth) {
		return nil
	}
	if level < depth {
		l.seen[place{level, real}] = true
		return l.walk(rel, level+1)
	}
	id, err := ParseArchivePath(filepath.ToSlash(rel))
	if err == nil && info.Mode().IsRegular() {
		l.seen[place{level, real}] = true
		l.found = append(l.found, Archive{Kernel: id, Path: path})
	}
	return nil
}
