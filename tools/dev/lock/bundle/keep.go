package bundle

import (
	"fmt"
	"slices"
	"strings"
)

// Needs describes what a bundle has to hold.
type Needs struct {
	Programs []string // paths of programs; their libraries and loader are found
	Keep     []string // other files, or directories with a slash at the end
	Triplet  string   // Debian's name of the architecture in library paths, such as "x86_64-linux-gnu"
	Alone    bool     // loader and libraries come from elsewhere
}

// Kept is the part of a tree that a bundle needs.
type Kept struct {
	Loader string              // path of the dynamic loader; empty where no program needs one
	Files  map[string][]string // sorted paths by package
}

// Select finds the files that Needs requires, and what those load.
func (t Tree) Select(needs Needs) (Kept, error) {
	s := &selection{
		tree: t, triplet: needs.Triplet, alone: needs.Alone, files: map[string]bool{}, directories: map[string]string{},
	}
	kept := Kept{Files: map[string][]string{}}
	for _, program := range needs.Programs {
		if err := s.file(program); err != nil {
			return Kept{}, err
		}
	}
	for _, name := range needs.Keep {
		if err := s.keep(name); err != nil {
			return Kept{}, err
		}
	}
	for name := range s.files {
		owner := t[name].Package
		kept.Files[owner] = append(kept.Files[owner], name)
	}
	for name, owner := range s.directories {
		kept.Files[owner] = append(kept.Files[owner], name)
	}
	for _, files := range kept.Files {
		slices.Sort(files)
	}
	kept.Loader = s.loader
	return kept, nil
}

type selection struct {
	tree        Tree
	triplet     string
	alone       bool
	files       map[string]bool
	directories map[string]string // package by directory
	loader      string
}

func (s *selection) keep(name string) error {
	if !strings.HasSuffix(name, "/") {
		return s.file(name)
	}
	owners := map[string]bool{}
	for file, node := range s.tree {
		if strings.HasPrefix(file, name) {
			owners[node.Package] = true
		}
	}
	if len(owners) != 1 {
		return fmt.Errorf("directory %q is in %d packages, want one", name, len(owners))
	}
	for owner := range owners {
		s.directories[name] = owner
	}
	return nil
}

func (s *selection) file(name string) error {
	if s.files[name] {
		return nil
	}
	real, links, err := s.tree.resolve(name)
	if err != nil {
		return err
	}
	for _, link := range links {
		s.files[link] = true
	}
	if s.files[real] {
		return nil
	}
	s.files[real] = true
	if s.alone {
		return nil
	}
	return s.loads(real, s.tree[real])
}

// loads adds what a program or library needs when it starts.
func (s *selection) loads(name string, node Node) error {
	if node.Interpreter != "" {
		if err := s.setLoader(node.Interpreter); err != nil {
			return err
		}
	}
	for _, soname := range node.Needed {
		library, err := s.tree.library(soname, s.triplet)
		if err != nil {
			return fmt.Errorf("%w, which %q needs", err, name)
		}
		if err := s.file(library); err != nil {
			return err
		}
	}
	return nil
}

func (s *selection) setLoader(interpreter string) error {
	real, _, err := s.tree.resolve(interpreter)
	if err != nil {
		return err
	}
	if s.loader != "" && s.loader != real {
		return fmt.Errorf("two dynamic loaders, %q and %q", s.loader, real)
	}
	s.loader = real
	s.files[real] = true
	return nil
}
