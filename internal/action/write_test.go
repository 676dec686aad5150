package action_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

// TestWriteReplacesFilesOnly writes to what is not a regular file: it stays what it was.
func TestWriteReplacesFilesOnly(t *testing.T) {
	dir := t.TempDir()
	file, link, fifo := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "fifo")
	for _, err := range []error{
		os.WriteFile(file, []byte("old"), 0o640), os.Symlink("file", link),
		unix.Mkfifo(fifo, 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	read := make(chan string)
	go func() {
		data, err := os.ReadFile(fifo)
		if err != nil {
			t.Error(err)
		}
		read <- string(data)
	}()
	for _, path := range []string{link, fifo} {
		if err := action.WriteFile(path, []byte("new")); err != nil {
			t.Fatal(err)
		}
	}
	if got := <-read; got != "new" {
		t.Errorf("the reader of the pipe got %q", got)
	}
	data, err := os.ReadFile(file)
	if err != nil || string(data) != "new" {
		t.Errorf("the file that the link names has %q, %v", data, err)
	}
	for path, want := range map[string]os.FileMode{
		file: 0o640, link: os.ModeSymlink | 0o777,
		fifo: os.ModeNamedPipe | 0o600,
	} {
		if info, err := os.Lstat(path); err != nil || info.Mode() != want {
			t.Errorf("%s is %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
	if err := action.WriteFile(os.DevNull, []byte("x")); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		t.Fatalf("the null device is %v, %v", info.Mode(), err)
	}
	for _, path := range []string{fifo, os.DevNull, dir} {
		if err := action.WriteSecret(path, nil); err == nil {
			t.Errorf("a secret was written to %s", path)
		}
	}
}

func TestOpenNeverBlocks(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := action.OpenInput(ctx, fifo); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a pipe without a writer: %v", err)
	}
	for path, want := range map[string]string{dir: "it is a directory", "/dev/zero": "it is a device"} {
		if _, err := action.OpenInput(t.Context(), path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
	go func() {
		if err := action.WriteFile(fifo, []byte("content")); err != nil {
			t.Error(err)
		}
	}()
	f, err := action.OpenInput(t.Context(), fifo)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if data, err := io.ReadAll(f); string(data) != "content" || err != nil {
		t.Errorf("read %q, %v", data, err)
	}
}

// TestWriteDescriptor writes to a descriptor of the process, as /dev/stdout is,
// where it stands, and replaces nothing.
func TestWriteDescriptor(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	link := filepath.Join(t.TempDir(), "stdout")
	if err := os.Symlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), link); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first ", "second"} {
		if err := action.WriteFile(link, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != "first second" {
		t.Errorf("it has %q, %v", data, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link became %v, %v", info.Mode(), err)
	}
}
