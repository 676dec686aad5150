package rootless

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Init does the first thing in main: where this process is the one that waits
// for its ids, it waits and starts the program again, since only an exec as a
// mapped root gives it the capabilities of one.
func Init() {
	if os.Getenv(stageEnv) != stageMap {
		return
	}
	if err := becomeInside(); err != nil {
		fmt.Fprintf(os.Stderr, "img: starting the build environment: %v\n", err)
		os.Exit(1)
	}
}

func becomeInside() error {
	var one [1]byte
	if n, err := unix.Read(parentFD, one[:]); err != nil || n != 1 {
		return errors.Join(err, errors.New("the parent process ended"))
	}
	if err := os.Setenv(stageEnv, stageRun); err != nil {
		return err
	}
	if err := unix.Setresgid(0, 0, 0); err != nil {
		return err
	}
	if err := unix.Setresuid(0, 0, 0); err != nil {
		return err
	}
	return unix.Exec("/proc/self/exe", os.Args, os.Environ())
}

// EnterNamespaces makes the mounts of the inside its own and ends this process with its
// parent. It is called inside, before anything else.
func EnterNamespaces() error {
	unix.CloseOnExec(parentFD)
	go func() {
		var b [1]byte
		for {
			if n, err := unix.Read(parentFD, b[:]); !errors.Is(err, unix.EINTR) && n == 0 {
				_ = unix.Kill(os.Getpid(), unix.SIGKILL)
				os.Exit(137)
			}
		}
	}()
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("tying the build to its parent: %w", err)
	}
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	if os.Getpid() != 1 {
		return nil
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /proc: a container with a masked /proc does not allow it, "+
			"run it with an unmasked one or use --no-process-sandbox: %w", err)
	}
	return nil
}
