package containertest

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/runner/thread"
)

// Open opens a file, which need not exist, from the mount namespace of process pid,
// as a program of its container would.
func Open(tb testing.TB, pid uint32, name string) {
	tb.Helper()
	check(tb, thread.Run(func() error { return openFrom(pid, name) }))
}

func openFrom(pid uint32, name string) error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return err
	}
	ns, err := unix.Open(fmt.Sprintf("/proc/%d/ns/mnt", pid), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(ns)
	if err := unix.Setns(ns, unix.CLONE_NEWNS); err != nil {
		return err
	}
	if fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
		unix.Close(fd)
	}
	return nil
}
