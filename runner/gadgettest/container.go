package gadgettest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// Contained is a process in mount and network namespaces of its own that opens a
// file again and again, as a container's would.
type Contained struct {
	PID            uint32
	MountNS, NetNS uint64
	File           string // that it opens
}

// openAgain opens a file for a minute, so that nothing outlives a test that is
// killed.
const openAgain = `i=0; while [ $i -lt 1200 ]; do : <"$0"; sleep 0.05; i=$((i+1)); done`

// StartContained starts such a process, which ends with the test.
func StartContained(tb testing.TB, name string) Contained {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", openAgain, file)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET, Setpgid: true}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	return Contained{
		PID: uint32(cmd.Process.Pid), File: file,
		MountNS: namespace(tb, cmd.Process.Pid, "mnt"), NetNS: namespace(tb, cmd.Process.Pid, "net"),
	}
}

func namespace(tb testing.TB, pid int, kind string) uint64 {
	tb.Helper()
	info, err := os.Stat(fmt.Sprintf("/proc/%d/ns/%s", pid, kind))
	if err != nil {
		tb.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Ino
}
