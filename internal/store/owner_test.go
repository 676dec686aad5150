package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/store"
)

// TestStoreOfOthers refuses a directory whose content others decide about.
func TestStoreOfOthers(t *testing.T) {
	open := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(open); err == nil || !strings.Contains(err.Error(), "everybody may write") {
		t.Errorf("a directory that everybody may write to: %v", err)
	}
}

// TestStoreOfAnotherUser refuses a directory of somebody else.
func TestStoreOfAnotherUser(t *testing.T) {
	foreign := filepath.Join(t.TempDir(), "foreign")
	if err := os.Mkdir(foreign, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(foreign, 4711, 4711); err != nil {
		t.Skipf("needs root, who can give a directory away: %v", err)
	}
	if _, err := store.Open(foreign); err == nil || !strings.Contains(err.Error(), "belongs to user 4711") {
		t.Errorf("a directory of somebody else: %v", err)
	}
}
