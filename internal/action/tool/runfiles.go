package tool

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Runfile returns where Bazel put the file with the runfiles path name, for an
// executable started as argv0: in RUNFILES_DIR, beside the executable, or where
// a runfiles manifest says.
func Runfile(argv0, name string, getenv func(string) string) (string, error) {
	dirs := []string{getenv("RUNFILES_DIR")}
	manifests := []string{getenv("RUNFILES_MANIFEST_FILE")}
	if abs, err := filepath.Abs(argv0); err == nil {
		dirs = append(dirs, abs+".runfiles")
		manifests = append(manifests, abs+".runfiles_manifest")
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
	return "", fmt.Errorf("finding %q among the runfiles of %q: it is not there, start the target with \"bazel run\"", name, argv0)
}

// manifestEntry looks name up in a runfiles manifest: lines of a runfiles path,
// a space, and a path.
func manifestEntry(manifest, name string) string {
	if manifest == "" {
		return ""
	}
	f, err := os.Open(manifest)
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if full, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return full
		}
	}
	return ""
}
