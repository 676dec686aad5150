package app

import (
	"errors"
	"fmt"
	"path/filepath"
	"text/tabwriter"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/engine"
)

// doctorCmd is "gadget-run doctor".
type doctorCmd struct{}

// Run prints one line for each thing that gadgets need, with the cure where it
// is missing. It fails when nothing can run at all.
func (doctorCmd) Run(g *cli.Globals) error {
	w := tabwriter.NewWriter(g.Stdout, 0, 8, 2, ' ', 0)
	privilege := engine.Privilege()
	row(w, "privilege", "yes", privilege)
	for _, f := range engine.Features() {
		if f.Missing() {
			fmt.Fprintf(w, "%s\t%s\t%s\n", f.Name, f.State, f.Cure)
			continue
		}
		fmt.Fprintf(w, "%s\t%s\n", f.Name, f.State)
	}
	row(w, "store", g.State, writable(g.State))
	if err := w.Flush(); err != nil {
		return err
	}
	if privilege != nil {
		return fmt.Errorf("no gadget can run: %w", privilege)
	}
	return nil
}

// row prints what is well, or the error, which names its cure.
func row(w *tabwriter.Writer, name, well string, err error) {
	if err != nil {
		fmt.Fprintf(w, "%s\tno\t%v\n", name, err)
		return
	}
	fmt.Fprintf(w, "%s\t%s\n", name, well)
}

// writable returns an error when the store's folder cannot be written, or made
// in the nearest folder that exists. It changes nothing.
func writable(dir string) error {
	for {
		err := unix.Access(dir, unix.W_OK|unix.X_OK)
		if err == nil {
			return nil
		}
		parent := filepath.Dir(dir)
		if !errors.Is(err, unix.ENOENT) || parent == dir {
			return fmt.Errorf("%q cannot be written: %w, choose another folder with --state", dir, err)
		}
		dir = parent
	}
}
