package runcmd

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/printable"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/field"
)

// helpWidth is how wide a help is where its output is not a terminal.
const helpWidth = 80

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
	w := &helpWriter{width: cmp.Or(terminalWidth(s.g.Stdout), helpWidth)}
	w.line("%s", name)
	if about := printable.Line(s.metadata.Description); about != "" {
		w.line("%s", strings.Join(cli.Wrap(about, w.width), "\n"))
	}
	w.line("\nUsage: gadget-run run %s [flags]", s.cmd.Gadget)
	w.params(s.allParams())
	for _, src := range ev.sources {
		w.fields(src)
	}
	w.line("\nFlags of the command: gadget-run run --help")
	w.line("Types and descriptions of all fields: gadget-run image inspect %s", s.cmd.Gadget)
	_, err = io.Copy(printable.NewWriter(s.g.Stdout), &w.text)
	return err
}

// helpWriter collects the lines of a help that is width columns wide.
type helpWriter struct {
	text  bytes.Buffer
	width int
}

func (w *helpWriter) line(format string, args ...any) { fmt.Fprintf(&w.text, format+"\n", args...) }

// rows writes names and their texts, in two columns.
func (w *helpWriter) rows(rows [][2]string) {
	names := 0
	for _, r := range rows {
		names = max(names, utf8.RuneCountInString(r[0]))
	}
	const indent, gap = "  ", "  "
	for _, r := range rows {
		name := r[0]
		for _, text := range cli.Wrap(printable.Line(r[1]), w.width-len(indent)-names-len(gap)) {
			w.line("%s", strings.TrimRight(fmt.Sprintf("%s%-*s%s%s", indent, names, name, gap, text), " "))
			name = ""
		}
	}
}

func (w *helpWriter) params(params []gadgetapi.Param) {
	if len(params) == 0 {
		return
	}
	w.line("\nParameters of the gadget:")
	rows := make([][2]string, 0, len(params))
	for _, p := range params {
		rows = append(rows, [2]string{flagText(p), paramText(p)})
	}
	w.rows(rows)
}

// flagText returns the flag of a parameter with a placeholder for its value, as in
// the help of the commands.
func flagText(p gadgetapi.Param) string {
	text := "--" + p.Key
	if p.Alias != "" {
		text = "-" + p.Alias + ", " + text
	}
	if p.Type == gadgetapi.ParamBool {
		return text
	}
	return text + "=" + strings.ToUpper(string(p.Type))
}

// zeros are numbers and booleans that are not worth showing as defaults.
var zeros = []string{"0", "false"}

// paramText describes what a parameter is for, which values it has and which of them
// is the default.
func paramText(p gadgetapi.Param) string {
	parts := []string{p.Description}
	if p.Description == "" {
		parts[0] = p.Title
	}
	if len(p.PossibleValues) > 0 {
		parts = append(parts, "(one of "+strings.Join(p.PossibleValues, ", ")+")")
	}
	switch value := p.Value(); {
	case p.Mandatory && value == "":
		parts = append(parts, "(must be given)")
	case value == "":
	case p.Type == gadgetapi.ParamString:
		parts = append(parts, fmt.Sprintf("(default %q)", value))
	case slices.Contains(zeros, value):
	default:
		parts = append(parts, fmt.Sprintf("(default %s)", value))
	}
	return strings.TrimSpace(strings.Join(parts, " "))
}

// fields writes the fields that columns show, and the names of the others.
func (w *helpWriter) fields(src *field.Source) {
	var shown [][2]string
	var hidden, ofContainers []string
	for _, f := range src.All() {
		switch {
		case f.Column() == nil: // a struct, whose fields follow
		case f.Hidden() && f.Provider == gadgetapi.ProviderContainers:
			ofContainers = append(ofContainers, f.FullName)
		case f.Hidden():
			hidden = append(hidden, f.FullName)
		default:
			shown = append(shown, [2]string{fieldNames(f), f.Annotations[field.AnnotationDescription]})
		}
	}
	about := ""
	if text := src.Annotations[field.AnnotationDescription]; text != "" {
		about = " (" + printable.Line(text) + ")"
	}
	w.line("\nFields of data source %s%s:", src.Name, about)
	w.rows(shown)
	if hidden = append(hidden, ofContainers...); len(hidden) == 0 {
		return
	}
	w.line("  Hidden in columns, shown with --fields=+NAME:")
	for _, line := range cli.Wrap(strings.Join(hidden, ", "), w.width-len("    ")) {
		w.line("    %s", line)
	}
}

// fieldNames returns the name of a field, and the short one if it has one.
func fieldNames(f *field.Field) string {
	if short := f.Alias(); short != f.FullName {
		return f.FullName + ", " + short
	}
	return f.FullName
}
