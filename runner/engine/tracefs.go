package engine

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/runner/thread"
)

// tracefsPaths are where kernels and distributions mount tracefs.
var tracefsPaths = []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}

// tracefsMounted reports whether tracefs is to be seen by this process.
func tracefsMounted() bool {
	for _, p := range tracefsPaths {
		var st unix.Statfs_t
		if unix.Statfs(p, &st) == nil && (st.Type == unix.TRACEFS_MAGIC || st.Type == unix.DEBUGFS_MAGIC) {
			return true
		}
	}
	return false
}

// tracefsHas reports whether the tracefs that the calling thread sees has a file.
func tracefsHas(name string) bool {
	for _, p := range tracefsPaths {
		if unix.Access(p+"/"+name, unix.F_OK) == nil {
			return true
		}
	}
	return false
}

// tracefsReadable reports whether this process may look for events in tracefs.
func tracefsReadable() bool { return tracefsHas("events/sched") }

// withTracefs calls fn where tracefs is mounted. When it is not, fn runs on a
// thread with a mount namespace of its own, in which tracefs is mounted; the
// thread ends with fn, and nothing is left. Tracepoints stay attached:
// they hang on file descriptors, not on the mount.
func withTracefs(fn func() error) error {
	if tracefsMounted() {
		return fn()
	}
	return thread.Run(func() error {
		if err := mountTracefs(); err != nil {
			return fmt.Errorf("mounting tracefs for this process: %w, mount it on /sys/kernel/tracing or run with CAP_SYS_ADMIN",
				err)
		}
		return fn()
	})
}

// mountTracefs gives the calling thread its own mount namespace with tracefs.
func mountTracefs() error {
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unsharing the mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	return unix.Mount("tracefs", tracefsPaths[0], "tracefs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
}
