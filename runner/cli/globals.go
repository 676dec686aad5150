// Package cli holds what every command of gadget-run shares: the streams, the
// context and the flags that precede the command. It depends on no command.
package cli

import (
	"context"
	"io"
	"path/filepath"
)

// DefaultRootState is the content store of root, when neither --state nor
// GADGET_RUN_STATE specifies otherwise.
const DefaultRootState = "/var/lib/gadget-run"

// Globals is what main hands to the Run method of each command. Ctx ends on
// SIGINT and SIGTERM. Data goes to Stdout, everything else to Stderr,
// to which several goroutines write at once.
type Globals struct {
	Ctx    context.Context
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer

	State   string // directory of the content store, empty for a user without a home
	Verbose bool   // details on Stderr
	Quiet   bool   // only errors on Stderr
}

// StateDir returns the directory of the content store: flag when it is not empty,
// else DefaultRootState for root, else a directory below XDG_DATA_HOME (or
// ~/.local/share) for a plain user. It is empty for one without a home: a directory
// that every user can make could be another user's.
func StateDir(flag string, uid int, getenv func(string) string) string {
	if flag != "" {
		return flag
	}
	if uid == 0 {
		return DefaultRootState
	}
	if data := getenv("XDG_DATA_HOME"); filepath.IsAbs(data) {
		return filepath.Join(data, "gadget-run")
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".local", "share", "gadget-run")
	}
	return ""
}
