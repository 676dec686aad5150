package confine_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/confine"
)

// system is where the machine's own programs and their libraries are.
var system = []string{"/bin", "/usr", "/lib", "/lib64", "/etc/ld.so.cache"}

// cat returns what cat prints of a file when it can read only what it is allowed.
func cat(t *testing.T, file string, allowed confine.Files) (string, error) {
	t.Helper()
	cmd := exec.Command("cat", file)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	allowed.Paths = append(allowed.Paths, system...)
	err := confine.Run(cmd, allowed)
	if errors.Is(err, confine.ErrUnavailable) {
		t.Skip("needs a kernel with Landlock: ", err)
	}
	if err != nil && !strings.Contains(stderr.String(), "Permission denied") {
		t.Fatalf("running cat: %v: %s", err, &stderr)
	}
	return out.String(), err
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"in/a": "a", "in/deep/b": "b", "out/c": "c", "out/d": "d"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../out/c", dir+"/in/link"); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		file          string
		paths, linked []string
		want          string // "" when it cannot be read
	}{
		{file: "in/a", paths: []string{"in"}, want: "a"},
		{file: "in/deep/b", paths: []string{"in"}, want: "b"},
		{file: "in/deep/b", linked: []string{"in"}, want: "b"},
		{file: "in/link", linked: []string{"in"}, want: "c"},
		{file: "in/link", paths: []string{"in"}},
		{file: "out/d", linked: []string{"in"}},
		{file: "in/../out/d", paths: []string{"in"}},
		{file: "in/a", paths: []string{"in/a", "absent"}, linked: []string{"absent"}, want: "a"},
		{file: "in/deep/b", paths: []string{"in/a"}},
		{file: "out/c", paths: []string{"in/link"}, want: "c"},
		{file: "in/a"},
	} {
		var allowed confine.Files
		for _, path := range tc.paths {
			allowed.Paths = append(allowed.Paths, filepath.Join(dir, path))
		}
		for _, path := range tc.linked {
			allowed.Linked = append(allowed.Linked, filepath.Join(dir, path))
		}
		got, err := cat(t, dir+"/"+tc.file, allowed)
		if got != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%s with %+v: %q, %v, want %q", tc.file, allowed, got, err, tc.want)
		}
	}
	if got, err := os.ReadFile(dir + "/out/d"); err != nil || string(got) != "d" {
		t.Errorf("this process is confined, too: %v", err)
	}
}

func TestRunReportsMissing(t *testing.T) {
	err := confine.Run(exec.Command("/nonexistent/program"), confine.Files{})
	if errors.Is(err, confine.ErrUnavailable) {
		t.Skip("needs a kernel with Landlock: ", err)
	}
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Run = %v, want that the program does not exist", err)
	}
}
