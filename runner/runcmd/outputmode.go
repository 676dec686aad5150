package runcmd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/output"
)

// columnLists are the values of --output that name columns after a "=".
var columnLists = []string{"custom-columns=", "columns="}

// view is what --output requests for one data source.
type view struct {
	mode   output.Mode // empty for the gadget's own
	fields string      // of a list of columns
}

// view reads --output for src. A source that supports no format is shown only where
// its name is given.
func (f sourceConfig) view(src *field.Source) (view, error) {
	isSource := func(name string) bool { return slices.Contains(f.names, name) }
	value, err := perSource(joinColumns(f.cmd.Output, isSource), src.Name, f.names)
	if err != nil {
		return view{}, fmt.Errorf("--output %q: %w", f.cmd.Output, err)
	}
	internal := src.Annotations[annotationModes] == string(output.None)
	if internal && value != "" && !names(f.cmd.Output, src.Name) {
		return view{mode: output.None}, nil
	}
	return f.cmd.readMode(value)
}

// readMode reads what --output has for a data source: a mode, or columns whose names
// are separated by semicolons.
func (c *Cmd) readMode(value string) (view, error) {
	for _, list := range columnLists {
		names, ok := strings.CutPrefix(value, list)
		switch {
		case !ok:
			continue
		case c.Fields != "":
			return view{}, errors.New("--fields and columns of --output are mutually exclusive, use one")
		case names == "":
			return view{}, fmt.Errorf("--output %q: name columns after the =", c.Output)
		}
		return view{output.Columns, strings.ReplaceAll(names, ";", ",")}, nil
	}
	modes := append(modeNames(), "custom-columns=")
	if value != "" && !slices.Contains(modeNames(), value) {
		return view{}, fmt.Errorf("--output %q: %q is not a mode, %s", c.Output, value, nearest.Advice(value, modes))
	}
	return view{mode: output.Mode(value)}, nil
}

func modeNames() []string {
	var out []string
	for _, m := range output.Modes() {
		out = append(out, string(m))
	}
	return out
}

// joinColumns puts semicolons between the names of columns, so that commas separate
// nothing but data sources: "columns=a,b,close:json" has one list of columns.
func joinColumns(value string, isSource func(name string) bool) string {
	var out []string
	inList := false
	for part := range strings.SplitSeq(value, ",") {
		name, mode, scoped := strings.Cut(part, ":")
		if scoped = scoped && isSource(strings.TrimSpace(name)); !scoped {
			mode = part
		}
		list := slices.ContainsFunc(columnLists, func(l string) bool { return strings.HasPrefix(strings.TrimSpace(mode), l) })
		if inList && !scoped && !list {
			out[len(out)-1] += ";" + part
			continue
		}
		inList = list
		out = append(out, part)
	}
	return strings.Join(out, ",")
}

// checkFiles returns an error when a mode that writes a whole file does not have
// the output for itself, or when a terminal would have to show one.
func (f sourceConfig) checkFiles(modes map[string]output.Mode) error {
	for name, m := range modes {
		if (m.File() || m == output.ModeTop && f.width > 0) && f.session != nil && f.rest.member != nil {
			return fmt.Errorf("mode %q needs the output for itself, run the gadget alone", m)
		}
		if (m.File() || m == output.ModeTop && f.width > 0) && len(modes) > 1 {
			return fmt.Errorf("mode %q of data source %q needs the output for itself, leave out the others, as in --output %s",
				m, name, f.onlyOutput(name, m))
		}
		if f.width > 0 {
			if err := checkTerminal(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkTerminal returns an error for a mode that a terminal cannot show.
func checkTerminal(m output.Mode) error {
	if m.Binary() {
		return fmt.Errorf("mode %q writes binary data, which a terminal cannot show, send it to a file", m)
	}
	return nil
}

func (f sourceConfig) onlyOutput(source string, m output.Mode) string {
	parts := []string{source + ":" + string(m)}
	for _, name := range f.names {
		if name != source {
			parts = append(parts, name+":"+string(output.None))
		}
	}
	return strings.Join(parts, ",")
}
