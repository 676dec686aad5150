package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSite(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"index.html": `<link rel="stylesheet" href="site.css"><script src="https://h/x.js"></script>
<h1 id="top">x</h1><a href="docs/a.html#one">a</a> <a href="docs/a.html#two">a</a> <a href="docs">a directory</a>
<a href="#top">x</a> <a href="https://h/x">elsewhere</a> <img src="none.svg">`,
		"docs/a.html": `<h1 id=one>One</h1><a href="../index.html">up</a>`,
		"site.css":    "",
	} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := checkSite(dir)
	want := []string{
		`index.html: "https://h/x.js" is loaded from another host`,
		`index.html: link "docs" leads to no file`,
		`index.html: link "docs/a.html#two" leads to no element of docs/a.html`,
		`index.html: link "none.svg" leads to no file`,
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
	if _, err := checkSite(t.TempDir()); err == nil || !strings.Contains(err.Error(), "has no HTML files") {
		t.Errorf("an empty directory: %v", err)
	}
}
