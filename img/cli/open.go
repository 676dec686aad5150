package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/img/engine"
	"github.com/rules-gadget/rules_gadget/img/registries"
	"github.com/rules-gadget/rules_gadget/img/rootless"
	"github.com/rules-gadget/rules_gadget/img/store"
)

// with opens the state, does something with it, and closes it.
func (g *Globals) with(ctx context.Context, opts engine.Options, do func(store.Store) error) (err error) {
	if opts.Hosts == nil {
		hosts, err := registries.New(rootless.UID(), false)
		if err != nil {
			return err
		}
		opts.Hosts = hosts.Hosts
	}
	if err := private(g.State); err != nil {
		return err
	}
	opts.State, opts.Backend, opts.Note = g.State, g.Backend, g.note
	e, err := engine.Open(ctx, opts)
	if err != nil {
		return err
	}
	defer func() {
		if closing := e.Close(); err == nil {
			err = closing
		}
	}()
	return do(store.Store{Engine: e})
}

// private gives the OCI runtime a place for its own state that goes away with
// this process.
func private(state string) error {
	dir := runDir(state)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("opening the state in %q: %w", state, err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0700"); err != nil {
		return fmt.Errorf("mounting a tmpfs on %q: %w", dir, err)
	}
	// A runtime takes the user's directory only from a user who is not called root.
	return errors.Join(os.Setenv("XDG_RUNTIME_DIR", dir), os.Unsetenv("USER"))
}

// runDir is the directory of what goes away with this process.
func runDir(state string) string { return filepath.Join(state, "run") }
