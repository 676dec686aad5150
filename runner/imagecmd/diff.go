package imagecmd

import (
	"errors"
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/inspect"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

// Diff is "image diff".
type Diff struct {
	Old string `arg:"" name:"old" help:"Reference in the store or in a registry, or a path."`
	New string `arg:"" name:"new" help:"The one to compare it with."`
	artifact.RegistryFlags
	Platform string `placeholder:"linux/ARCH" help:"Platform to compare (default: this machine's)."`
	ExitCode bool   `help:"Fail when there is a difference."`
	Output   string `short:"o" enum:"text,json,yaml" default:"text" help:"Format of the output: text, json or yaml."`
}

// Run prints what is different.
func (d *Diff) Run(g *cli.Globals) error {
	older, err := d.describe(g, d.Old)
	if err != nil {
		return err
	}
	newer, err := d.describe(g, d.New)
	if err != nil {
		return err
	}
	changes := inspect.Compare(older, newer)
	if err := d.print(g, changes); err != nil {
		return err
	}
	if len(changes) > 0 && d.ExitCode {
		return errors.New("the artifacts differ")
	}
	return nil
}

func (d *Diff) describe(g *cli.Globals, text string) (*inspect.Report, error) {
	want := arch.Host()
	if d.Platform != "" {
		var err error
		if want, err = artifact.ParsePlatform(d.Platform); err != nil {
			return nil, cli.Usage(err)
		}
	}
	src, err := artifact.Open(g, text, d.RegistryFlags, false)
	if err != nil {
		return nil, err
	}
	defer src.Release()
	src.Remote = false // what is compared is mostly in the layers
	about, err := inspect.Describe(g, src, want)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", text, err)
	}
	return about, nil
}

func (d *Diff) print(g *cli.Globals, changes []inspect.Change) error {
	if d.Output != outputText {
		return show.Data(g.Stdout, d.Output, changes)
	}
	if len(changes) == 0 {
		g.Say("No difference.")
	}
	return inspect.PrintChanges(g.Stdout, changes)
}
