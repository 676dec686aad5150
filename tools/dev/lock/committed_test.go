package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/tools/dev/lock/lockfile"
)

var (
	lockDirectory    = filepath.Join("..", "..", "..", "toolchain", "lock")
	vmlinuxDirectory = filepath.Join("..", "..", "..", "toolchain", "vmlinux")
)

// TestCommittedLocks checks that the lock files are valid, canonical and what wanted.json asks for.
func TestCommittedLocks(t *testing.T) {
	wanted, err := lockfile.ReadWanted(filepath.Join(lockDirectory, "wanted.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range wanted {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(lockDirectory, name+".json")
			lock, err := lockfile.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if canonical, err := lock.Marshal(); err != nil || !bytes.Equal(canonical, text) {
				t.Errorf("the file was edited by hand, %v; run tools/dev/lock", err)
			}
			checkWanted(t, lock, want)
		})
	}
}

func checkWanted(t *testing.T, lock *lockfile.Lock, want lockfile.WantedLock) {
	t.Helper()
	if lock.Default != want.Default {
		t.Errorf("default %q, wanted.json says %q", lock.Default, want.Default)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want.Bundles)), slices.Sorted(maps.Keys(lock.Bundles))); diff != "" {
		t.Errorf("bundles (-wanted.json +lock):\n%s", diff)
	}
	for name, bundle := range want.Bundles {
		locked := lock.Bundles[name]
		got := lockfile.Wanted{
			Suite: locked.Suite, Programs: locked.Programs, Headers: locked.Headers, Args: locked.Args, Env: locked.Env,
			Shares:   locked.Shares,
			Packages: bundle.Packages, Keep: bundle.Keep, Machines: slices.Sorted(maps.Keys(locked.Machines)),
		}
		if diff := cmp.Diff(bundle, got); diff != "" {
			t.Errorf("bundle %q (-wanted.json +lock):\n%s", name, diff)
		}
	}
}

func TestCommittedVmlinux(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(lockDirectory, "vmlinux.json"))
	if err != nil {
		t.Fatal(err)
	}
	var lock vmlinuxLock
	if err := json.Unmarshal(text, &lock); err != nil {
		t.Fatal(err)
	}
	var want []string
	for arch, entry := range lock.Headers {
		want = append(want, entry.File)
		data, err := os.ReadFile(filepath.Join(vmlinuxDirectory, entry.File))
		if err != nil {
			t.Fatal(err)
		}
		if got := sum(data); got != entry.SHA256 {
			t.Errorf("%s has sha256 %s, the lock says %s", entry.File, got, entry.SHA256)
		}
		if !strings.HasPrefix(entry.File, "vmlinux-"+arch+"-"+entry.Release) {
			t.Errorf("file %q is not named by its arch %q and release %q", entry.File, arch, entry.Release)
		}
	}
	files, err := filepath.Glob(filepath.Join(vmlinuxDirectory, "*.tar.xz"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, file := range files {
		got = append(got, filepath.Base(file))
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("packed headers (-lock +directory):\n%s", diff)
	}
}

// TestCommittedGo checks that go.json is as the command writes it.
func TestCommittedGo(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(lockDirectory, "go.json"))
	if err != nil {
		t.Fatal(err)
	}
	var lock goLock
	if err := json.Unmarshal(text, &lock); err != nil {
		t.Fatal(err)
	}
	if canonical, err := lock.marshal(); err != nil || !bytes.Equal(canonical, text) {
		t.Errorf("the file was edited by hand, %v; run tools/dev/lock", err)
	}
}
