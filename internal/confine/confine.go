// Package confine runs programs that can read only the files that they are meant to.
package confine

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrUnavailable means that this kernel, or a filter on its system calls, cannot
// confine programs. The program has not been started.
var ErrUnavailable = errors.New("landlock is unavailable")

// Available reports whether Run works here.
func Available() bool {
	_, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	return errno == 0
}

// Files are what a program can read. Paths that do not exist are ignored.
type Files struct {
	// Paths are files, and directories with everything below them.
	Paths []string
	// Linked are directories with everything below them and what symbolic links in
	// them name, as build sandboxes make them.
	Linked []string
}

// Run runs cmd as cmd.Run does. The program and its children can open for reading
// only what files has, and /dev/null; what they execute must be among these, too.
// Writing and looking for files are not restricted.
func Run(cmd *exec.Cmd, files Files) error {
	rules, err := newRules(files)
	if err != nil {
		return err
	}
	defer unix.Close(rules)
	started := make(chan error)
	go func() {
		// The thread is never unlocked, so that it ends with the goroutine: no other
		// goroutine runs on it, and a child begins with the restrictions of the thread
		// that starts it.
		runtime.LockOSThread()
		started <- start(cmd, rules)
	}()
	if err := <-started; err != nil {
		return err
	}
	return cmd.Wait()
}

func start(cmd *exec.Cmd, rules int) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(rules), 0, 0); errno != 0 {
		return fmt.Errorf("%w: %w", ErrUnavailable, errno)
	}
	return cmd.Start()
}

// newRules returns a Landlock ruleset that allows to read files.
func newRules(files Files) (int, error) {
	attr := unix.LandlockRulesetAttr{Handled_access_fs: unix.LANDLOCK_ACCESS_FS_READ_FILE}
	// The first version of the structure has this one member, which all kernels take.
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)),
		unsafe.Sizeof(attr.Handled_access_fs), 0)
	if errno != 0 {
		return -1, fmt.Errorf("%w: %w", ErrUnavailable, errno)
	}
	rules := int(fd)
	unix.CloseOnExec(rules)
	if err := files.allow(rules); err != nil {
		unix.Close(rules)
		return -1, err
	}
	return rules, nil
}

// allow lets the ruleset read the files.
func (f Files) allow(rules int) error {
	for _, path := range slices.Concat([]string{"/dev/null"}, f.Paths, f.Linked) {
		if err := allow(rules, path); err != nil {
			return fmt.Errorf("allowing to read %q: %w", path, err)
		}
	}
	for _, dir := range f.Linked {
		err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.Type() == fs.ModeSymlink {
				err = allow(rules, name)
			}
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("allowing to read %q: %w", dir, err)
		}
	}
	return nil
}

// allow lets the ruleset read the file, or what is below the directory, that
// path names after following links.
func allow(rules int, path string) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	attr := unix.LandlockPathBeneathAttr{Allowed_access: unix.LANDLOCK_ACCESS_FS_READ_FILE, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
