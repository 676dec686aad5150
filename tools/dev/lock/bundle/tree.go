// Package bundle finds out which files of which packages a program needs to run.
package bundle

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// maxLinks bounds a chain of symbolic links.
const maxLinks = 40

// Node is a file or symbolic link of a tree of unpacked packages.
type Node struct {
	Package     string
	Target      string   // of a symbolic link, as a path in the tree
	Needed      []string // sonames of an ELF file's libraries
	Interpreter string   // of an ELF program, as a path in the tree
}

// Tree holds the files of several packages by path, without leading slash.
type Tree map[string]Node

// Add records one entry of a package.
func (t Tree) Add(name string, header *tar.Header, content io.Reader) error {
	file := strings.TrimPrefix(path.Clean("/"+header.Name), "/")
	switch header.Typeflag {
	case tar.TypeSymlink:
		target := header.Linkname
		if !path.IsAbs(target) {
			target = path.Join("/", path.Dir(file), target)
		}
		t[file] = Node{Package: name, Target: strings.TrimPrefix(path.Clean(target), "/")}
	case tar.TypeReg, tar.TypeLink:
		node, err := readNode(content)
		if err != nil {
			return fmt.Errorf("reading %q of package %q: %w", header.Name, name, err)
		}
		node.Package = name
		t[file] = node
	}
	return nil
}

func readNode(content io.Reader) (Node, error) {
	head := make([]byte, len(elf.ELFMAG))
	if n, err := io.ReadFull(content, head); err != nil || string(head) != elf.ELFMAG {
		if err != nil && n == len(head) {
			return Node{}, err
		}
		return Node{}, nil
	}
	rest, err := io.ReadAll(content)
	if err != nil {
		return Node{}, err
	}
	file, err := elf.NewFile(bytes.NewReader(append(head, rest...)))
	if err != nil {
		return Node{}, nil // firmware and other foreign ELF: it has no libraries that we could load
	}
	libraries, err := file.ImportedLibraries()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return Node{}, nil
	}
	return Node{Needed: libraries, Interpreter: interpreter(file)}, nil
}

func interpreter(file *elf.File) string {
	for _, program := range file.Progs {
		if program.Type != elf.PT_INTERP {
			continue
		}
		text, err := io.ReadAll(program.Open())
		if err != nil {
			return ""
		}
		return strings.Trim(string(text), "/\x00")
	}
	return ""
}

// resolve follows symbolic links, those of directories too, and returns the file and every link on the way.
func (t Tree) resolve(name string) (string, []string, error) {
	var links []string
	for range maxLinks {
		node, found := t[name]
		if !found {
			through, ok := t.throughDirectory(name)
			if !ok {
				return "", nil, fmt.Errorf("no package has %q", name)
			}
			name = through
			continue
		}
		if node.Target == "" {
			return name, links, nil
		}
		links = append(links, name)
		name = node.Target
	}
	return "", nil, fmt.Errorf("too many symbolic links at %q", name)
}

// throughDirectory replaces the first directory of a path that is a symbolic link, or that Debian's merged /usr makes
// one.
func (t Tree) throughDirectory(name string) (string, bool) {
	parts := strings.Split(name, "/")
	for i := 1; i < len(parts); i++ {
		if node := t[strings.Join(parts[:i], "/")]; node.Target != "" {
			return path.Join(append([]string{node.Target}, parts[i:]...)...), true
		}
	}
	if merged, found := strings.CutPrefix(name, "usr/"); found {
		return merged, t.has(merged)
	}
	return "usr/" + name, t.has("usr/" + name)
}

func (t Tree) has(name string) bool { _, found := t[name]; return found }

// library finds the file that has a soname: in one of the directories where the dynamic loader looks, else anywhere.
func (t Tree) library(soname, triplet string) (string, error) {
	for _, directory := range []string{"usr/lib/" + triplet, "lib/" + triplet, "usr/lib", "lib", "lib64"} {
		if name := path.Join(directory, soname); t.has(name) {
			return name, nil
		}
	}
	var candidates []string
	for name := range t {
		if path.Base(name) == soname {
			candidates = append(candidates, name)
		}
	}
	if len(candidates) == 0 {
		return "", fmt.Errorf("no package has library %q", soname)
	}
	return slices.Min(candidates), nil
}
