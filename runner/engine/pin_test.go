package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// TestPinnedMaps shares a map by name through a bpffs of the test's own: the second
// gadget finds what the first one wrote, and both report where the map is.
func TestPinnedMaps(t *testing.T) {
	gadgettest.NeedsKernel(t)
	bpffs := t.TempDir()
	if err := unix.Mount("bpf", bpffs, "bpf", 0, ""); err != nil {
		t.Skipf("needs to mount a bpffs: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(bpffs, unix.MNT_DETACH) })
	dir := filepath.Join(bpffs, "a", "b")
	first, notes := loadPinned(t, dir)
	if want := fmt.Sprintf("pinning map %q at %s/shared", "shared", dir); !slices.Contains(notes, want) {
		t.Errorf("said %q, want %q", notes, want)
	}
	if err := first.Map("shared").Put(uint32(0), uint64(42)); err != nil {
		t.Fatal(err)
	}
	second, notes := loadPinned(t, dir)
	if want := fmt.Sprintf("using the map %q that is pinned at %s/shared", "shared", dir); !slices.Contains(notes, want) {
		t.Errorf("said %q, want %q", notes, want)
	}
	var got uint64
	if err := second.Map("shared").Lookup(uint32(0), &got); err != nil || got != 42 {
		t.Errorf("the second gadget reads %d, %v, want 42", got, err)
	}
}

func TestPinnedMapsWithoutBpffs(t *testing.T) {
	gadgettest.NeedsKernel(t)
	dir := filepath.Join(t.TempDir(), "pins")
	_, notes := loadPinned(t, dir)
	if !strings.Contains(strings.Join(notes, "\n"), "is not shared with other programs: no bpffs is mounted on") {
		t.Errorf("said %q", notes)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the directory was made outside of a bpffs")
	}
}

func loadPinned(t *testing.T, dir string) (l *engine.Loaded, notes []string) {
	t.Helper()
	p, err := gadgetapi.Read(gadgettest.File(t, "pinned.bpf.o"), gadgetapi.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	l, err = engine.Load(p, engine.LoadOptions{PinPath: dir, Note: note, Detail: note})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, notes
}
