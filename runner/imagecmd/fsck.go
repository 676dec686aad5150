package imagecmd

import (
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// Fsck is "image fsck".
type Fsck struct {
	Repair bool   `help:"Repair what is found; damaged artifacts have to be pulled again."`
	Output string `short:"o" enum:"columns,json,yaml" default:"columns" help:"Form of the output: columns, json or yaml."`
}

// Run checks the store. Problems that are left are an error.
func (f *Fsck) Run(g *cli.Globals) error {
	s, err := openStore(g)
	if err != nil {
		return err
	}
	found, err := s.Fsck(g.Ctx, f.Repair)
	if err != nil {
		return err
	}
	if err := f.print(g, found); err != nil {
		return err
	}
	if len(found) > 0 && !f.Repair {
		return fmt.Errorf("the store %q has %d problem%s, repair with --repair", s.Dir(), len(found), plural(len(found)))
	}
	return nil
}

func (f *Fsck) print(g *cli.Globals, found []store.Problem) error {
	if f.Output != outputColumns {
		if found == nil {
			found = []store.Problem{}
		}
		return printData(g.Stdout, f.Output, found)
	}
	for _, p := range found {
		done := "to repair: " + p.Fix
		if p.Repaired {
			done = "repaired: " + p.Fix
		}
		if err := result(g.Stdout, "%s: %s (%s)", printable(p.Path), printable(p.Text), done); err != nil {
			return err
		}
	}
	if len(found) == 0 {
		say(g, "The store %s is clean.", g.State)
	}
	return nil
}
