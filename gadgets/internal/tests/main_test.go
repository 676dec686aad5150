// Package tests holds the tests of all gadgets, a file for each. They are one
// program, which also runs in virtual machines: see docs/kernels.md.
package tests

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// The first thread stays with TestMain: it could not end with a test's goroutine that
// moved it to another namespace, and /proc/self is what it sees.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	live.Main(m, map[string]live.Job{
		"be-recorded":    beRecorded,
		"break-filter":   breakFilter,
		"chroot-as-user": chrootAsUser,
		"end":            func([]string) error { return nil },
		"exec-thread":    execFromThread,
		"fill-memory":    fillMemory,
		"move-file":      moveFile,
		"open":           openFile,
		"spin":           spin,
		"try-open":       tryOpen,
		"wait":           func([]string) error { time.Sleep(10 * time.Minute); return nil },
	})
}

// openFile opens a file and closes it again.
func openFile(args []string) error {
	f, err := os.Open(args[0])
	if err != nil {
		return err
	}
	return f.Close()
}
