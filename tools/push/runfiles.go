package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// runfiles finds the files that Bazel puts beside an executable: in a folder
// or, where there is none, by a manifest of "<path> <file>" lines.
type runfiles struct {
	dirs      []string
	manifests []string
}

// newRunfiles lists the places in which Bazel's convention looks.
func newRunfiles(argv0 string, getenv func(string) string) runfiles {
	var r runfiles
	if dir := getenv("RUNFILES_DIR"); dir != "" {
		r.dirs = append(r.dirs, dir)
	}
	if file := getenv("RUNFILES_MANIFEST_FILE"); file != "" {
		r.manifests = append(r.manifests, file)
	}
	if abs, err := filepath.Abs(argv0); err == nil {
		r.dirs = append(r.dirs, abs+".runfiles")
		r.manifests = append(r.manifests, abs+".runfiles_manifest", abs+".runfiles/MANIFEST")
	}
	return r
}

// find returns the file or folder of a path in the runfiles. A path of an
// existing file, which no runfiles know, is taken as it is.
func (r runfiles) find(path string) (string, error) {
	if !filepath.IsAbs(path) {
		for _, dir := range r.dirs {
			if file := filepath.Join(dir, path); exists(file) {
				return file, nil
			}
		}
		for _, manifest := range r.manifests {
			if file := lookup(manifest, path); file != "" {
				return file, nil
			}
		}
	}
	if exists(path) {
		return path, nil
	}
	return "", fmt.Errorf("%q is not among the runfiles (%s), start this with \"bazel run\"", path, strings.Join(r.dirs, ", "))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// lookup returns what a manifest has for path: its own line, or the line of a
// folder above it.
func lookup(manifest, path string) string {
	f, err := os.Open(manifest)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, file, ok := strings.Cut(lines.Text(), " ")
		if !ok || file == "" {
			continue
		}
		if name == path {
			return file
		}
		if rest, below := strings.CutPrefix(path, name+"/"); below {
			return filepath.Join(file, rest)
		}
	}
	return ""
}
