package compat

import (
	_ "embed" // for the page
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
)

//go:embed page.html.tmpl
var pageText string

// page is what the template sees.
type page struct {
	Matrix
	Summary  Summary
	Archs    []string
	Distros  []span // neighbouring groups of one distribution and version
	Sections []section
	Good     int // per cent of kernels on which all programs load
	Mixed    int
}

// span is a heading over several columns.
type span struct {
	Name    string
	Columns int
	Arch    string
}

// section is one half of the table.
type section struct {
	Title string
	Hint  string
	Rows  []line
}

// line is a row with its cells.
type line struct {
	Row
	Cells []tableCell
	Bad   bool // at least one cell wants attention
}

// tableCell is a Cell with its position.
type tableCell struct {
	Cell
	Where string
	Group int
}

// WriteHTML writes the matrix as one page without any outside resource. The
// table is there without scripts, too; they only add filters.
func WriteHTML(w io.Writer, m Matrix) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"plural": plural, "words": func(s string) string { return strings.ReplaceAll(s, "_", " ") },
		"join": strings.Join, "name": statusName, "last": func(i, n int) bool { return i == n-1 },
	}).Parse(pageText)
	if err != nil {
		return fmt.Errorf("reading the page's template: %w", err)
	}
	if err := t.Execute(w, newPage(m)); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// statusName is the status for people.
func statusName(s Status) string {
	switch s {
	case Guarded:
		return "absent but guarded"
	case NeedsBTF:
		return "needs the kernel's own BTF"
	case TooOld:
		return "kernel too old"
	case Misplaced:
		return "fails for a relocation"
	case Replaced:
		return "another program takes its place"
	case NotInObject:
		return "not in this object"
	}
	return string(s)
}

// newPage arranges the matrix for the template.
func newPage(m Matrix) page {
	p := page{Matrix: m, Summary: m.Summary()}
	for _, g := range m.Groups {
		if !slices.Contains(p.Archs, g.Arch) {
			p.Archs = append(p.Archs, g.Arch)
		}
		name := g.Distro + " " + g.Version
		if n := len(p.Distros); n > 0 && p.Distros[n-1].Name == name && p.Distros[n-1].Arch == g.Arch {
			p.Distros[n-1].Columns++
		} else {
			p.Distros = append(p.Distros, span{name, 1, g.Arch})
		}
	}
	slices.Sort(p.Archs)
	if k := p.Summary.Kernels; k > 0 {
		p.Good, p.Mixed = p.Summary.All*100/k, p.Summary.Some*100/k
	}
	p.Sections = []section{
		{"Programs", "can the kernel load it at all?", lines(m, m.Programs, func(g Group) []Cell { return g.Programs })},
		{"Relocations", "what the programs look up in kernel types", lines(m, m.Relocations, func(g Group) []Cell {
			return g.Relocations
		})},
	}
	return p
}

// lines turns columns of cells into rows.
func lines(m Matrix, rows []Row, cells func(Group) []Cell) []line {
	out := make([]line, len(rows))
	for i, r := range rows {
		out[i].Row = r
		for j, g := range m.Groups {
			c := tableCell{cells(g)[i], fmt.Sprintf("%s %s %s, %s", g.Distro, g.Version, g.Arch, g.Range()), j}
			out[i].Cells = append(out[i].Cells, c)
			out[i].Bad = out[i].Bad || !c.Status.Good()
		}
	}
	return out
}

// Symbol returns the cell's character.
func (c tableCell) Symbol() string { return c.Status.Symbol() }
