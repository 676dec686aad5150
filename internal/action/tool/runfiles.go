package tool

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Runfile returns where Bazel put the file or directory with the runfiles path
// name, for an executable started as argv0: in RUNFILES_DIR or TEST_SRCDIR,
// next to the executable, or where a runfiles manifest specifies.
func Runfile(argv0, name string, getenv func(string) string) (string, error) {
	dirs := []string{getenv("RUNFILES_DIR"), getenv("TEST_SRCDIR")}
	manifests := []string{getenv("RUNFILES_MANIFEST_FILE")}
	if abs, err := filepath.Abs(argv0); err == nil {
		dirs = append(dirs, abs+".runfiles")
		manifests = append(manifests, abs+".runfiles_manifest", abs+".runfiles/MANIFEST")
	}
	for _, dir := range dirs {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Stat(full); dir != "" && err == nil {
			return full, nil
		}
	}
	for _, m := range manifests {
		if full := manifestEntry(m, name); full != "" {
			return full, nil
		}
	}
	return "", fmt.Errorf("%q is not among the runfiles of %q, start it with \"bazel run\"", name, argv0)
}

// manifestEntry looks name up in a runfiles manifest, whose lines are a
// runfiles path, a space, and a path: its own line, or that of a directory above.
func manifestEntry(manifest, name string) string {
	if manifest == "" {
		return ""
	}
	f, err := os.Open(manifest)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		path, full, ok := strings.Cut(lines.Text(), " ")
		if !ok || full == "" {
			continue
		}
		if path == name {
			return full
		}
		if rest, below := strings.CutPrefix(name, path+"/"); below {
			return filepath.Join(full, rest)
		}
	}
	return ""
}
