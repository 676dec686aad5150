package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWords(t *testing.T) {
	ws, err := parseWords("# comment\nfolders?\tdirectory\nbehind\tafter\tbehind a proxy|^c/\n")
	if err != nil {
		t.Fatal(err)
	}
	got := ws.check("a/b", "a directory\nFolder and scaffolders\nthe folders\nbehind a proxy\nbehind it\n")
	want := []string{`2: "Folder", write directory`, `3: "folders", write directory`, `5: "behind", write after`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := ws.check("c/d", "behind it"); got != nil {
		t.Errorf("an excepted file: %q", got)
	}
	for _, bad := range []string{"folder", "(\tx", "x\ty\t(", "a\tb\tc\td"} {
		if _, err := parseWords(bad); err == nil || !strings.Contains(err.Error(), "words.txt:1") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := parseWords(wordList); err != nil {
		t.Error(err)
	}
}

func TestLinks(t *testing.T) {
	t.Chdir(t.TempDir())
	page := "# Two Words: `x`\n\n[a](b.md) [b](none.md) [c](b.md#top) [d](b.md#end) [e](#two-words-x) [f](https://h/x) " +
		"[g](d)\n" +
		"```\n[not a link](nowhere)\n```\n"
	for name, text := range map[string]string{"a.md": page, "b.md": "# Top\n", "d/x": ""} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	n, err := run([]string{"a.md", "b.md", "d/x", "absent"}, &out)
	want := "a.md:3: link \"none.md\" leads to no file\na.md:3: link \"b.md#end\" leads to no heading of b.md\n"
	if diff := cmp.Diff(want, out.String()); n != 2 || err != nil || diff != "" {
		t.Errorf("%d problems, %v: %s", n, err, diff)
	}
}

func TestTests(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("x_test.go", []byte("package x\n\nfunc TestOne(t *testing.T) {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := checkTests("| a | `.` TestOne, TestTwo |\n| b | `.` TestOn*, FuzzOn* and `none` TestOne |\n| c | `x` is no " +
		"test |\n")
	want := []string{
		`1: the test TestTwo is not in "."`, `2: the test FuzzOn* is not in "."`, `2: the test TestOne is not in "none"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
