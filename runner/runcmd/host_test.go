package runcmd

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestAccounts(t *testing.T) {
	dir := t.TempDir()
	passwd, group := filepath.Join(dir, "passwd"), filepath.Join(dir, "group")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(passwd, "root:x:0:0:root:/root:/bin/sh\nbroken\nalso:x:notanumber:\ntoor:x:0:0::/:/bin/sh\nalice:x:1000:1000\n")
	write(group, "root:x:0:\n")
	a := newAccounts(passwd, group)
	for id, want := range map[uint32]string{0: "root", 1000: "alice", 7: ""} {
		if got := a.user(id); got != want {
			t.Errorf("user %d: got %q, want %q", id, got, want)
		}
	}
	if got := a.group(0); got != "root" {
		t.Errorf("group 0: got %q", got)
	}
	write(passwd, "bob:x:7:7::/:\n")
	if got := a.user(7); got != "" {
		t.Errorf("the file was read again at once: %q", got)
	}
	a.users.checked = time.Now().Add(-accountsRecheck)
	if got := a.user(7); got != "bob" {
		t.Errorf("user 7 after a while: got %q, want bob", got)
	}
	loaded := newAccounts(passwd, group)
	if err := os.Remove(passwd); err != nil {
		t.Fatal(err)
	}
	if got := loaded.user(7); got != "bob" {
		t.Errorf("user 7: got %q, want bob: the file is read before the first event", got)
	}
	if got := newAccounts(filepath.Join(dir, "none"), group).user(0); got != "" {
		t.Errorf("without file: got %q", got)
	}
}

func TestBootTime(t *testing.T) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		t.Skip("needs CLOCK_BOOTTIME")
	}
	now := bootTime().Add(time.Duration(ts.Nano()))
	if d := time.Since(now).Abs(); d > time.Second {
		t.Errorf("boot time is off by %v", d)
	}
}

// TestAccountsReadChangedFilesAlone: a number that no file has does not open the
// files again and again, which a gadget would show.
func TestAccountsReadChangedFilesAlone(t *testing.T) {
	passwd := filepath.Join(t.TempDir(), "passwd")
	if err := os.WriteFile(passwd, []byte("bob:x:7:7::/:\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	a := newAccounts(passwd, passwd)
	var before unix.Stat_t
	if err := unix.Stat(passwd, &before); err != nil {
		t.Fatal(err)
	}
	long := time.Unix(1, 0)
	if err := os.Chtimes(passwd, long, time.Unix(before.Mtim.Unix())); err != nil {
		t.Fatal(err)
	}
	a.users.checked = time.Now().Add(-accountsRecheck)
	if got := a.user(8); got != "" {
		t.Errorf("user 8: got %q", got)
	}
	var now unix.Stat_t
	if err := unix.Stat(passwd, &now); err != nil {
		t.Fatal(err)
	}
	if atime := time.Unix(now.Atim.Unix()); !atime.Equal(long) {
		t.Errorf("the file was read again at %v", atime)
	}
}

// TestBootTimeInNamespace starts this test again in a time namespace whose
// CLOCK_BOOTTIME is far ahead: what eBPF programs read is still reported as the same
// moment, and what /proc reports, which is ahead as well, too.
func TestBootTimeInNamespace(t *testing.T) {
	const env = "GADGET_RUN_TEST_BOOT"
	if os.Getenv(env) != "" {
		fmt.Printf("%d %d\n", machineBootTime().UnixNano(), bootTime().UnixNano())
		os.Exit(0)
	}
	const ahead = 1_000_000
	cmd := exec.Command("unshare", "--time", "--boottime", strconv.Itoa(ahead), "--fork", os.Args[0], "-test.run=^"+
		t.Name()+"$")
	cmd.Env = append(os.Environ(), env+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Skipf("needs root and time namespaces: %v: %s", err, out)
	}
	var machine, proc int64
	if _, err := fmt.Sscan(string(out), &machine, &proc); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if d := bootTime().Sub(time.Unix(0, machine)).Abs(); d > time.Second {
		t.Errorf("events are off by %v", d)
	}
	if d := bootTime().Add(-ahead * time.Second).Sub(time.Unix(0, proc)).Abs(); d > time.Second {
		t.Errorf("start times of processes are off by %v", d)
	}
}
