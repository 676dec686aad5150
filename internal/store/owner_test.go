package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

// TestStoreOfOthers refuses a directory whose content others decide about.
func TestStoreOfOthers(t *testing.T) {
	for _, mode := range []os.FileMode{0o777, 0o770, 0o702} {
		open := filepath.Join(t.TempDir(), "open")
		if err := os.Mkdir(open, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(open, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Open(open); err == nil || !strings.Contains(err.Error(), "run: chmod 700 "+open) {
			t.Errorf("a directory of mode %o: %v", mode, err)
		}
	}
}

// TestNewStorePrivate makes the directory of a store for its owner alone.
func TestNewStorePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if _, err := store.Open(dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v; want 0700", info.Mode(), err)
	}
}

// TestReadOnlyStore reads and checks a store that cannot be written to. The mount
// is seen by one thread only, which ends with the test.
func TestReadOnlyStore(t *testing.T) {
	dir := t.TempDir()
	if _, err := store.Open(dir); err != nil {
		t.Fatal(err)
	}
	mounted := make(chan error, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked
		err := mountReadOnly(dir)
		mounted <- err
		if err != nil {
			return
		}
		if err := os.WriteFile(filepath.Join(dir, "new"), nil, 0o600); !errors.Is(err, unix.EROFS) {
			t.Errorf("the store can be written to: %v", err)
		}
		s, err := store.Open(dir)
		if err != nil {
			t.Error(err)
			return
		}
		if found, err := s.Fsck(t.Context(), false); err != nil || len(found) > 0 {
			t.Errorf("checking it: %v, %v", found, err)
		}
		if _, err := s.Fsck(t.Context(), true); err == nil {
			t.Error("it was locked for a repair")
		}
	}()
	<-done
	if err := <-mounted; err != nil {
		t.Skipf("needs root, who can mount: %v", err)
	}
}

// mountReadOnly makes dir read-only for this thread.
func mountReadOnly(dir string) error {
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	return unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
}

// TestStoreOfAnotherUser refuses a directory of another user.
func TestStoreOfAnotherUser(t *testing.T) {
	foreign := filepath.Join(t.TempDir(), "foreign")
	if err := os.Mkdir(foreign, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(foreign, 4711, 4711); err != nil {
		t.Skipf("needs root, who can give a directory away: %v", err)
	}
	if _, err := store.Open(foreign); err == nil || !strings.Contains(err.Error(), "belongs to user 4711") {
		t.Errorf("a directory of another user: %v", err)
	}
}

// TestLostMark: a store that lost the file that marks it as a layout is still one, but
// not a directory with files of others.
func TestLostMark(t *testing.T) {
	dir := t.TempDir()
	if _, err := store.Open(dir); err != nil {
		t.Fatal(err)
	}
	mark := filepath.Join(dir, "oci-layout")
	if err := errors.Join(os.Remove(mark), os.WriteFile(filepath.Join(dir, sign.SecretFile), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(mark); err != nil {
		t.Error(err)
	}
	if err := errors.Join(os.Remove(mark), os.WriteFile(filepath.Join(dir, "thesis.txt"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(dir); err == nil || !strings.Contains(err.Error(), `contains "thesis.txt"`) {
		t.Errorf("a directory with a file of another program: %v", err)
	}
}
