package cli

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Runfile returns where Bazel put the file or folder with the runfiles path
// path, for an executable started as argv0: below RUNFILES_DIR, below
// "<argv0>.runfiles", or where RUNFILES_MANIFEST_FILE says.
func Runfile(argv0, path string, getenv func(string) string) (string, error) {
	dirs := []string{getenv("RUNFILES_DIR"), getenv("TEST_SRCDIR")}
	if abs, err := filepath.Abs(argv0); err == nil {
		dirs = append(dirs, abs+".runfiles")
	}
	for _, dir := range dirs {
		if dir == "" {
			continue
		}
		found := filepath.Join(dir, filepath.FromSlash(path))
		if _, err := os.Stat(found); err == nil {
			return found, nil
		}
	}
	if found := manifestEntry(getenv("RUNFILES_MANIFEST_FILE"), path); found != "" {
		return found, nil
	}
	return "", fmt.Errorf("%q is not among the runfiles of %q, start it with \"bazel run\"", path, argv0)
}

// manifestEntry looks path up in a runfiles manifest: lines of a runfiles path
// and, behind a space, a file.
func manifestEntry(manifest, path string) string {
	f, err := os.Open(manifest)
	if err != nil {
		return ""
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if rest, ok := strings.CutPrefix(sc.Text(), path+" "); ok {
			return rest
		}
	}
	return ""
}
