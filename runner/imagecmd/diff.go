package imagecmd

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// Diff is "image diff".
type Diff struct {
	Old string `arg:"" name:"old" help:"Reference in the store or in a registry."`
	New string `arg:"" name:"new" help:"The one to compare it with."`
	RegistryFlags
	Platform string `placeholder:"linux/ARCH" help:"Platform to compare (default: this machine's)."`
	ExitCode bool   `help:"Fail when there is a difference."`
	Output   string `short:"o" enum:"text,json,yaml" default:"text" help:"Form of the output: text, json or yaml."`
}

// Change is one difference between two artifacts.
type Change struct {
	// Part is what it is about: "layer", "param", "field", "program", "map",
	// "needs" or "kernel".
	Part string `json:"part" yaml:"part"`
	Name string `json:"name" yaml:"name"`
	// Old and New are empty where the thing is not there.
	Old string `json:"old,omitempty" yaml:"old,omitempty"`
	New string `json:"new,omitempty" yaml:"new,omitempty"`
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
	changes := compare(older, newer)
	if err := d.print(g, changes); err != nil {
		return err
	}
	if len(changes) > 0 && d.ExitCode {
		return errors.New("the artifacts differ")
	}
	return nil
}

func (d *Diff) describe(g *cli.Globals, text string) (*About, error) {
	want := arch.Host()
	if d.Platform != "" {
		var err error
		if want, err = parsePlatform(d.Platform); err != nil {
			return nil, cli.Usage(err)
		}
	}
	src, err := (&Inspect{Image: text, RegistryFlags: d.RegistryFlags}).source(g)
	if err != nil {
		return nil, err
	}
	defer src.release()
	src.remote = false // what is compared is mostly in the layers
	about, err := describe(g, src, want)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", text, err)
	}
	return about, nil
}

func (d *Diff) print(g *cli.Globals, changes []Change) error {
	if d.Output != outputText {
		return printData(g.Stdout, d.Output, changes)
	}
	p := &textPrinter{w: g.Stdout}
	for _, c := range changes {
		switch {
		case c.Old == "":
			p.line("+ %s %s: %s", c.Part, c.Name, c.New)
		case c.New == "":
			p.line("- %s %s: %s", c.Part, c.Name, c.Old)
		default:
			p.line("~ %s %s: %s -> %s", c.Part, c.Name, c.Old, c.New)
		}
	}
	if len(changes) == 0 {
		say(g, "No difference.")
	}
	return p.err
}

// compare lists the differences, part by part, sorted by name.
func compare(older, newer *About) []Change {
	changes := []Change{}
	a, b := older.facts(), newer.facts()
	for _, part := range []string{"layer", "param", "field", "program", "map", "needs", "kernel"} {
		names := slices.Sorted(maps.Keys(a[part]))
		for _, name := range slices.Sorted(maps.Keys(b[part])) {
			if _, known := a[part][name]; !known {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		for _, name := range names {
			if x, y := a[part][name], b[part][name]; x != y {
				changes = append(changes, Change{part, name, x, y})
			}
		}
	}
	return changes
}

// facts are all that compare looks at, by part and name.
func (a *About) facts() map[string]map[string]string {
	f := map[string]map[string]string{}
	set := func(part, name, value string) {
		if f[part] == nil {
			f[part] = map[string]string{}
		}
		f[part][name] = value
	}
	for _, l := range a.Layers {
		set("layer", l.MediaType, fmt.Sprintf("%s (%s)", humanSize(l.Size), shorten(l.Digest)))
	}
	for _, p := range a.Params {
		set("param", p.Key, fmt.Sprintf("%q %s", p.Default, p.Description))
	}
	for _, s := range a.DataSources {
		for _, x := range s.Fields {
			set("field", s.Name+"."+x.Name, strings.TrimSpace(x.Type+" "+x.Description))
		}
	}
	for _, p := range a.Programs {
		set("program", p.Name, fmt.Sprintf("%s %s %s", p.Type, p.Section, p.Attach))
	}
	for _, m := range a.Maps {
		set("map", m.Name, fmt.Sprintf("%s of %d (%s)", m.Type, m.MaxEntries, humanSize(m.Memory)))
	}
	for _, n := range a.Requires {
		set("needs", n, "needed")
	}
	for _, k := range a.BTFKernels {
		set("kernel", k, "has BTF")
	}
	return f
}
