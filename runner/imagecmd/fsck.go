package imagecmd

import (
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

// Fsck is "image fsck".
type Fsck struct {
	Repair bool   `help:"Repair what is found; damaged artifacts have to be pulled again."`
	Output string `short:"o" enum:"columns,json,yaml" default:"columns" help:"Format of the output: columns, json or yaml."`
}

// Run checks the store. Problems that are left are an error.
func (f *Fsck) Run(g *cli.Globals) error {
	s, err := artifact.OpenStore(g)
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
		return fmt.Errorf("the store %q has %d problem%s, repair with --repair", s.Dir(), len(found), show.Plural(len(found)))
	}
	return nil
}

func (f *Fsck) print(g *cli.Globals, found []store.Problem) error {
	if f.Output != show.Columns {
		if found == nil {
			found = []store.Problem{}
		}
		return show.Data(g.Stdout, f.Output, found)
	}
	for _, p := range found {
		done := "to repair: " + p.Fix
		if p.Repaired {
			done = "repaired: " + p.Fix
		}
		if err := show.Line(g.Stdout, "%s: %s (%s)", show.Printable(p.Path), show.Printable(p.Text), done); err != nil {
			return err
		}
	}
	if len(found) == 0 {
		g.Say("The store %s is clean.", g.State)
	}
	return nil
}
