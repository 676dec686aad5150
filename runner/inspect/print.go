package inspect

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/printable"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

// Print writes what people read: one part after the other, each with a title.
func (a *Report) Print(w io.Writer) error {
	p := &textPrinter{w: w}
	p.line("Reference:    %s", strings.TrimSuffix(a.Reference, "@"+a.Digest))
	p.line("Digest:       %s", a.Digest)
	if a.Name != "" {
		p.line("Name:         %s", a.Name)
	}
	if a.Description != "" {
		p.wrapped("Description:  ", a.Description)
	}
	p.line("Architecture: %s (of %s)", a.Arch, strings.Join(a.Platforms, ", "))
	for _, l := range a.Layers {
		p.line("Layer:        %s %s", strings.TrimPrefix(l.MediaType, "application/vnd.gadget."), show.Size(l.Size))
	}
	a.Trust.print(p)
	p.annotations(a.Annotations)
	p.params(a.Params)
	for _, s := range a.DataSources {
		p.source(s)
	}
	p.object(a)
	p.list("Needs", a.Requires)
	p.list(fmt.Sprintf("Kernels with BTF (%d)", len(a.BTFKernels)), a.BTFKernels)
	if a.Remote {
		p.line("\nPrograms and maps are not shown: the layers were not pulled.")
	}
	return p.err
}

// textPrinter keeps the first error.
type textPrinter struct {
	w   io.Writer
	err error
}

func (p *textPrinter) line(format string, args ...any) {
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = show.Printable(s)
		}
	}
	if _, err := fmt.Fprintf(p.w, format+"\n", args...); err != nil && p.err == nil {
		p.err = err
	}
}

// wrapped prints a label and its text, on a terminal in as many lines as it needs.
func (p *textPrinter) wrapped(label, text string) {
	for _, line := range cli.Wrap(show.Printable(text), cli.TerminalWidth(p.w)-len(label)) {
		p.line("%s%s", label, line)
		label = strings.Repeat(" ", len(label))
	}
}

func (p *textPrinter) table(title string, header []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	p.line("\n%s:", title)
	t := show.NewTable(p.w, header...)
	for _, r := range rows {
		t.Row(r...)
	}
	if err := t.Flush(); err != nil && p.err == nil {
		p.err = err
	}
}

func (p *textPrinter) list(title string, items []string) {
	if len(items) == 0 {
		return
	}
	p.line("\n%s:", title)
	for _, s := range items {
		p.line("  %s", s)
	}
}

func (p *textPrinter) annotations(m map[string]string) {
	var rows [][]string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		rows = append(rows, []string{k, m[k]})
	}
	p.table("Annotations", []string{"NAME", "VALUE"}, rows)
}

func (p *textPrinter) params(params []Param) {
	var rows [][]string
	for _, x := range params {
		rows = append(rows, []string{x.Key, x.Type, x.Default, x.Description})
	}
	p.table("Parameters", []string{"NAME", "TYPE", "DEFAULT", "DESCRIPTION"}, rows)
}

func (p *textPrinter) source(s Source) {
	title := fmt.Sprintf("Data source %s", s.Name)
	if s.Kind != "" {
		title += fmt.Sprintf(" (%s)", s.Kind)
	}
	if s.Description != "" {
		title += ", " + printable.Line(s.Description)
	}
	var rows [][]string
	for _, f := range s.Fields {
		rows = append(rows, []string{f.Name, f.Type, f.Description})
	}
	p.table(title, []string{"FIELD", "TYPE", "DESCRIPTION"}, rows)
}

func (p *textPrinter) object(a *Report) {
	var rows [][]string
	for _, x := range a.Programs {
		rows = append(rows, []string{x.Name, x.Type, cmp.Or(x.Attach, x.Section)})
	}
	p.table("Programs", []string{"NAME", "TYPE", "ATTACHES TO"}, rows)
	rows = nil
	var total int64
	for _, m := range a.Maps {
		total += m.Memory
		rows = append(rows, []string{m.Name, m.Type, fmt.Sprint(m.MaxEntries), show.Size(m.Memory)})
	}
	p.table(fmt.Sprintf("Maps (at most %s)", show.Size(total)), []string{"NAME", "TYPE", "ENTRIES", "MEMORY"}, rows)
}
