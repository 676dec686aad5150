// Package containertest runs real container runtimes for tests: docker, podman
// and containerd, each in a root directory of its own that is made of pinned
// Debian packages. It needs root, and leaves only the empty cgroups
// that the runtimes made for all their containers.
package containertest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// innerEnv means that Main has already made the namespaces, and names the program.
const innerEnv = "CONTAINERTEST_INNER"

// Main runs the tests of m in mount and PID namespaces of their own, as far as
// that is allowed: when they end, in whatever way, so do the daemons, their
// containers and the mounts. It returns the exit code, for os.Exit.
func Main(m *testing.M) int {
	switch {
	case os.Getenv(innerEnv) == "" && Missing() != nil:
		return m.Run()
	case os.Getenv(innerEnv) == "":
		return enter()
	case os.Getpid() == 1:
		return reap()
	}
	return m.Run()
}

// enter runs the program again as the first process of new namespaces.
func enter() int {
	runtime.LockOSThread() // Pdeathsig is about the thread
	defer runtime.UnlockOSThread()
	self, err := os.Executable()
	if err != nil {
		return failed(err)
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), innerEnv+"="+self)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL,
	}
	if err = cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() < 0 {
		return failed(err)
	}
	return cmd.ProcessState.ExitCode()
}

// reap runs the tests in another process and waits for all that lose their
// parents, as the first process has to: daemons look for leftovers of others.
func reap() int {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	child, err := syscall.ForkExec(os.Getenv(innerEnv), os.Args, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return failed(err)
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return failed(err)
		case pid == child && status.Exited():
			return status.ExitStatus()
		case pid == child && status.Signaled():
			return failed(fmt.Errorf("%v", status.Signal()))
		}
	}
}

func failed(err error) int {
	fmt.Fprintf(os.Stderr, "containertest: running the tests in namespaces: %v\n", err)
	return 1
}

// Missing returns what the runtimes need and this machine or caller lacks.
func Missing() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("needs root to start container runtimes")
	}
	_, err := tree()
	return err
}

// Needs skips the test where the runtimes cannot be started. Where they can, it
// makes sure that /proc shows the processes of Main's namespace.
func Needs(tb testing.TB) {
	tb.Helper()
	if err := Missing(); err != nil {
		tb.Skip(err)
	}
	if os.Getenv(innerEnv) == "" {
		tb.Fatal("TestMain does not call containertest.Main")
	}
	if err := ownMounts(); err != nil {
		tb.Fatal(err)
	}
}

// ownMounts keeps what is mounted from now on in this namespace, and shows its
// processes in /proc.
func ownMounts() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keeping mounts private: %w", err)
	}
	if self, err := os.Readlink("/proc/self"); err == nil && self == fmt.Sprint(os.Getpid()) {
		return nil
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	return nil
}
