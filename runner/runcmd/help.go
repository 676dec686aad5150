package runcmd

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/rules-gadget/rules_gadget/internal/printable"
	"github.com/rules-gadget/rules_gadget/runner/field"
)

// help writes what the gadget is, its parameters and its fields.
func (s *session) help() error {
	ev, err := s.events()
	if err != nil {
		return err
	}
	name := s.metadata.Name
	if name == "" {
		name = s.cmd.Gadget
	}
	w := tabwriter.NewWriter(printable.NewWriter(s.g.Stdout), 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "%s\n", name)
	if s.metadata.Description != "" {
		fmt.Fprintf(w, "%s\n", s.metadata.Description)
	}
	fmt.Fprintf(w, "\nUsage: gadget-run run %s [flags]\n", s.cmd.Gadget)
	params := s.params()
	if len(params) > 0 {
		fmt.Fprint(w, "\nParameters of the gadget:\n")
	}
	for _, p := range params {
		text := p.Description
		if p.Default != "" {
			text += fmt.Sprintf(" (default %q)", p.Default)
		}
		if len(p.PossibleValues) > 0 {
			text += " (one of " + strings.Join(p.PossibleValues, ", ") + ")"
		}
		writeRow(w, fmt.Sprintf("--%s %s", p.Key, p.Type), strings.TrimSpace(text))
	}
	for _, src := range ev.sources {
		fmt.Fprintf(w, "\nFields of data source %s:\n", src.Name)
		for _, f := range src.All() {
			text := f.Annotations[field.AnnotationDescription]
			if f.Hidden() {
				text = strings.TrimSpace(text + " (hidden)")
			}
			writeRow(w, f.FullName, text)
		}
	}
	fmt.Fprint(w, "\nFlags of the command: gadget-run run --help\n")
	return w.Flush()
}

// writeRow writes a name and, if there is one, its text in the second column.
func writeRow(w io.Writer, name, text string) {
	if text != "" {
		text = "\t" + printable.Line(text)
	}
	fmt.Fprintf(w, "  %s%s\n", name, text)
}
