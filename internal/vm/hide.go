package vm

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// btfDirectory is where kernels show their BTF.
const btfDirectory = "/sys/kernel/btf"

// HideBTF mounts an empty directory over /sys/kernel/btf, which makes the kernel
// look like one that was built without BTF, to all in this mount namespace.
func HideBTF() error {
	if _, err := os.Stat(btfDirectory); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := unix.Mount("tmpfs", btfDirectory, "tmpfs", unix.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("hiding %s: %w", btfDirectory, err)
	}
	return nil
}

// WithoutBTF turns the process into the command args, in a mount namespace of
// its own in which BTF is hidden. It returns only on errors.
func WithoutBTF(args []string) error {
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("making a mount namespace: %w", err)
	}
	// What is mounted from now on stays in this namespace.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making the mount namespace private: %w", err)
	}
	if err := HideBTF(); err != nil {
		return err
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	return unix.Exec(path, args, os.Environ())
}
