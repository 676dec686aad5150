package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/tools/dev/lock/lockfile"
)

var (
	lockDirectory    = filepath.Join("..", "..", "..", "toolchain", "lock")
	vmlinuxDirectory = filepath.Join("..", "..", "..", "toolchain", "vmlinux")
)

// TestCommittedLocks checks that the lock files are valid, canonical and match wanted.json.
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
	packed, err := os.ReadFile(filepath.Join(vmlinuxDirectory, archiveFileName))
	if err != nil {
		t.Fatal(err)
	}
	if got := sum(packed); got != lock.SHA256 {
		t.Errorf("%s has sha256 %s, the lock says %s", archiveFileName, got, lock.SHA256)
	}
	var want []string
	for arch := range lock.Headers {
		want = append(want, arch+"/"+headerFileName)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(filesIn(t, packed)))); diff != "" {
		t.Errorf("packed headers (-lock +archive):\n%s", diff)
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
