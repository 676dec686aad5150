package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestManyFiles builds from a context of many files: 2,000, or 100,000 where
// IMG_NIGHTLY is set.
func TestManyFiles(t *testing.T) {
	home, err := os.MkdirTemp("", "many-")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	files := 2000
	if os.Getenv("IMG_NIGHTLY") != "" {
		files = 100_000
	}
	ctx := t.TempDir()
	if err := os.WriteFile(filepath.Join(ctx, "Dockerfile"), []byte("FROM scratch\nCOPY f /f\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for i := range files {
		dir := filepath.Join(ctx, "f", fmt.Sprint(i%100))
		if i < 100 {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(home, "out")
	if text, err := exec.Command("img", "build", "-q", "-o", out, ctx).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	got, err := filepath.Glob(filepath.Join(out, "f", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != files {
		t.Errorf("%d files came out, want %d", len(got), files)
	}
}
