package inspect

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/runner/show"
)

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

// Compare lists the differences, part by part, sorted by name.
func Compare(older, newer *Report) []Change {
	changes := []Change{}
	a, b := older.facts(), newer.facts()
	for _, part := range []string{"layer", "param", "field", "program", "map", "needs", "kernel"} {
		names := slices.Sorted(maps.Keys(a[part]))
		for _, name := range slices.Sorted(maps.Keys(b[part])) {
			if _, both := a[part][name]; !both {
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
func (a *Report) facts() map[string]map[string]string {
	f := map[string]map[string]string{}
	set := func(part, name, value string) {
		if f[part] == nil {
			f[part] = map[string]string{}
		}
		f[part][name] = value
	}
	for _, l := range a.Layers {
		set("layer", l.MediaType, fmt.Sprintf("%s (%s)", show.Size(l.Size), show.ShortDigest(l.Digest)))
	}
	for _, p := range a.Params {
		set("param", p.Key, strings.TrimSpace(fmt.Sprintf("%s %q %s", p.Type, p.Default, p.Description)))
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
		set("map", m.Name, fmt.Sprintf("%s of %d (%s)", m.Type, m.MaxEntries, show.Size(m.Memory)))
	}
	for _, n := range a.Requires {
		set("needs", n, "needed")
	}
	for _, k := range a.BTFKernels {
		set("kernel", k, "has BTF")
	}
	return f
}

// PrintChanges writes what people read.
func PrintChanges(w io.Writer, changes []Change) error {
	p := &textPrinter{w: w}
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
	return p.err
}
