package output_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/runner/output"
)

// files returns the content of a directory by name.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = string(data)
	}
	return out
}

func TestRotate(t *testing.T) {
	for _, tt := range []struct {
		name   string
		r      output.Rotation
		before string
		writes []string
		want   map[string]string
	}{
		{"no limit", output.Rotation{Keep: 2}, "a\n", []string{"b\n", "c\n"}, map[string]string{"o": "a\nb\nc\n"}},
		{
			"full",
			output.Rotation{MaxSize: 4, Keep: 2},
			"",
			[]string{"a\n", "b\n", "c\n"},
			map[string]string{"o": "c\n", "o.1": "a\nb\n"},
		},
		{
			"one write of many lines",
			output.Rotation{MaxSize: 4, Keep: 2},
			"",
			[]string{"a\nb\nc\nd\ne\nf\ng\nh\n"},
			map[string]string{"o": "g\nh\n", "o.1": "e\nf\n", "o.2": "c\nd\n"},
		},
		{
			"a long line",
			output.Rotation{MaxSize: 4, Keep: 3},
			"",
			[]string{"a\nlonger\nb\n"},
			map[string]string{"o": "b\n", "o.1": "longer\n", "o.2": "a\n"},
		},
		{
			"a file that is there",
			output.Rotation{MaxSize: 4, Keep: 1},
			"old\n",
			[]string{"b\n"},
			map[string]string{"o": "b\n", "o.1": "old\n"},
		},
		{
			"a file that is too large",
			output.Rotation{MaxSize: 4, Keep: 1},
			"older\n",
			[]string{"b\n"},
			map[string]string{"o": "b\n", "o.1": "older\n"},
		},
		{"keep none", output.Rotation{MaxSize: 4}, "", []string{"a\n", "b\n", "c\n"}, map[string]string{"o": "c\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "o")
			if tt.before != "" {
				if err := os.WriteFile(path, []byte(tt.before), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			f, err := output.OpenRotating(path, tt.r)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range tt.writes {
				if n, err := f.Write([]byte(w)); n != len(w) || err != nil {
					t.Fatalf("wrote %d of %d bytes, %v", n, len(w), err)
				}
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, files(t, dir)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestRotateTogether proves that no line of several writers is lost or torn.
func TestRotateTogether(t *testing.T) {
	dir := t.TempDir()
	f, err := output.OpenRotating(filepath.Join(dir, "o"), output.Rotation{MaxSize: 1000, Keep: 1000})
	if err != nil {
		t.Fatal(err)
	}
	const writers, lines = 4, 500
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range lines {
				if _, err := fmt.Fprintf(f, "writer %d line %d\n", w, i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for name, text := range files(t, dir) {
		if len(text) > 1000 {
			t.Errorf("%s has %d bytes", name, len(text))
		}
		for line := range strings.Lines(text) {
			seen[line] = true
		}
	}
	if len(seen) != writers*lines {
		t.Errorf("%d lines, want %d", len(seen), writers*lines)
	}
}

func TestRotateRefuses(t *testing.T) {
	for path, want := range map[string]string{
		t.TempDir(): "is a directory", "/dev/null": "is not a file",
		filepath.Join(t.TempDir(), "x", "o"): "no such file",
	} {
		if _, err := output.OpenRotating(path, output.Rotation{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

// TestRotateThroughLink rotates what a link names: the link stays one.
func TestRotateThroughLink(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	link := filepath.Join(dir, "o")
	if err := os.Symlink(filepath.Join(elsewhere, "events"), link); err != nil {
		t.Fatal(err)
	}
	f, err := output.OpenRotating(link, output.Rotation{MaxSize: 2, Keep: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write([]byte("a\nb\n")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"events": "b\n", "events.1": "a\n"}, files(t, elsewhere)); diff != "" {
		t.Error(diff)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link became %v, %v", info.Mode(), err)
	}
}

// TestRotateNeverWaits refuses what is not a file, also a named pipe that no process
// reads.
func TestRotateNeverWaits(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, os.DevNull} {
		want := fmt.Sprintf("opening the output file: %q is not a file, write to it with a redirection", path)
		if _, err := output.OpenRotating(path, output.Rotation{}); err == nil || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
