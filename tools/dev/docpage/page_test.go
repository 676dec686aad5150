package docpage

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPage(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "docs"), 0o755); err != nil {
		t.Fatal(err)
	}
	text := "one"
	page := func(args ...string) error {
		return run("writer", "page.md", append(args, "--root", root), func(got string) ([]byte, error) {
			if got != root {
				t.Errorf("rendered for the directory %q, want %q", got, root)
			}
			if text == "" {
				return nil, errors.New("nothing to say")
			}
			return []byte(text), nil
		})
	}
	if err := page("--check"); err == nil {
		t.Error("a page that is not there is up to date")
	}
	if err := page(); err != nil {
		t.Fatal(err)
	}
	if err := page("--check"); err != nil {
		t.Fatal(err)
	}
	text = "two"
	err := page("--check")
	if err == nil || err.Error() != "docs/page.md is out of date, run go run ./tools/dev/writer" {
		t.Errorf("an old page: %v", err)
	}
	text = ""
	if err := page(); err == nil || !strings.Contains(err.Error(), "nothing to say") {
		t.Errorf("nothing rendered: %v", err)
	}
	if data, err := os.ReadFile(filepath.Join(root, "docs", "page.md")); err != nil || string(data) != "one" {
		t.Errorf("the page is %q, %v, want what was written once", data, err)
	}
}
