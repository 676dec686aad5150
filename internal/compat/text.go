package compat

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// symbols are what cells look like in text. They differ without colour.
var symbols = map[Status]string{
	Resolved: "✓", Loads: "✓", Guarded: "○", Absent: "✗", Ambiguous: "?", Failed: "!", NotInObject: "·",
	NeedsBTF: "B", TooOld: "✗", Uncertain: "~", Misplaced: "R", Replaced: "F",
}

// Symbol returns the one-character form of a status.
func (s Status) Symbol() string { return symbols[s] }

// Good reports whether nothing needs to be done about the status.
func (s Status) Good() bool {
	return s == Resolved || s == Loads || s == Guarded || s == Replaced || s == NotInObject
}

// maxAccess is how wide the first column of the text form gets.
const maxAccess = 56

// WriteText writes the matrix for a terminal: the groups of kernels with
// numbers, then a table of programs and relocations with these numbers as
// columns, then every cause once.
func WriteText(w io.Writer, m Matrix) error {
	var b strings.Builder
	s := m.Summary()
	fmt.Fprintf(&b, "%s: %s in %s, %s, %s\n", m.Title, plural(s.Kernels, "kernel"), plural(len(m.Groups), "group"),
		plural(len(m.Programs), "program"), plural(len(m.Relocations), "relocation"))
	if len(m.Groups) == 0 {
		b.WriteString("no kernels: give btf = [...] to the gadget\n")
		_, err := io.WriteString(w, b.String())
		return err
	}
	fmt.Fprintf(&b, "kernels that load all programs: %d, some: %d, none: %d\n\n", s.All, s.Some, s.None)
	writeGroups(&b, m)
	writeRows(&b, m, "program", m.Programs, func(g Group) []Cell { return g.Programs })
	writeRows(&b, m, "relocation", m.Relocations, func(g Group) []Cell { return g.Relocations })
	b.WriteString("✓ good   ○ absent but guarded   ✗ absent or too old   ? ambiguous   B needs the kernel's own BTF\n")
	b.WriteString("R fails for a relocation   ~ uncertain, the distribution backports   · not in this object\n")
	b.WriteString("F another program takes its place (__fallback)\n")
	writeCauses(&b, m)
	_, err := io.WriteString(w, b.String())
	return err
}

// writeGroups lists the groups with their numbers.
func writeGroups(b *strings.Builder, m Matrix) {
	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for i, g := range m.Groups {
		fmt.Fprintf(tw, "[%d]\t%s/%s\t%s\t%s\t%s\t%s\n", i+1, g.Distro, g.Version, g.Arch, g.Range(),
			plural(len(g.Releases), "kernel"), g.Verdict())
	}
	_ = tw.Flush() // a Builder never fails
	b.WriteByte('\n')
}

// plural returns "1 kernel" or "2 kernels".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// writeRows writes one half of the table.
func writeRows(b *strings.Builder, m Matrix, title string, rows []Row, cells func(Group) []Cell) {
	if len(rows) == 0 {
		return
	}
	width := len(title)
	for _, r := range rows {
		width = max(width, utf8.RuneCountInString(r.Label()))
	}
	width = min(width, maxAccess)
	fmt.Fprintf(b, "%-*s", width, title)
	for i := range m.Groups {
		fmt.Fprintf(b, " %3d", i+1)
	}
	b.WriteByte('\n')
	for i, r := range rows {
		label := r.Label()
		if n := utf8.RuneCountInString(label); n > maxAccess {
			label = string([]rune(label)[:maxAccess-1]) + "…"
		}
		b.WriteString(label + strings.Repeat(" ", width-utf8.RuneCountInString(label)))
		for _, g := range m.Groups {
			fmt.Fprintf(b, " %3s", cells(g)[i].Status.Symbol())
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
}

// Label names a row in one line.
func (r Row) Label() string {
	if r.Type == "" {
		return r.Name
	}
	if r.Detail == "field_byte_offset" {
		return r.Name
	}
	return r.Name + " (" + strings.ReplaceAll(r.Detail, "_", " ") + ")"
}

// writeCauses writes each cause of a bad cell once, with the groups it is in.
func writeCauses(b *strings.Builder, m Matrix) {
	type key struct{ name, cause, hint string }
	groups := map[key][]string{}
	var order []key
	note := func(name string, c Cell, group int) {
		if c.Status.Good() {
			return
		}
		k := key{name, c.Cause, c.Hint}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], fmt.Sprint(group+1))
	}
	for i, g := range m.Groups {
		for j, c := range g.Programs {
			note(m.Programs[j].Name, c, i)
		}
		for j, c := range g.Relocations {
			note(m.Relocations[j].Label(), c, i)
		}
	}
	for _, k := range order {
		fmt.Fprintf(b, "\n%s [%s]\n  %s\n", k.name, strings.Join(groups[k], ","), k.cause)
		if k.hint != "" {
			fmt.Fprintf(b, "  hint: %s\n", k.hint)
		}
	}
	for _, e := range m.Broken {
		fmt.Fprintf(b, "\n%s could not be read\n  %s\n", e.Kernel, e.Error)
	}
}

// Summary counts kernels.
type Summary struct {
	Kernels int `json:"kernels"`
	All     int `json:"all"`  // all programs load
	Some    int `json:"some"` // some do not, or only perhaps
	None    int `json:"none"` // no program loads
	Broken  int `json:"unreadable"`
}

// Summary counts the kernels of the matrix.
func (m Matrix) Summary() Summary {
	s := Summary{Broken: len(m.Broken)}
	for _, g := range m.Groups {
		n := len(g.Releases)
		s.Kernels += n
		switch loads, all := g.Count(); {
		case loads == all:
			s.All += n
		case loads == 0:
			s.None += n
		default:
			s.Some += n
		}
	}
	return s
}

// Count returns how many of the group's programs load, of how many.
func (g Group) Count() (loads, all int) {
	for _, c := range g.Programs {
		if c.Status == NotInObject {
			continue
		}
		all++
		if c.Status == Loads || c.Status == Replaced {
			loads++
		}
	}
	return loads, all
}

// Verdict sums a group up in words.
func (g Group) Verdict() string {
	loads, all := g.Count()
	switch {
	case all == 0:
		return "no programs"
	case loads == all:
		return "all load"
	case loads == 0:
		return "none load"
	}
	return fmt.Sprintf("%d of %d load", loads, all)
}

// Range names the releases of a group, "first … last".
func (g Group) Range() string {
	first, last := g.Releases[0], g.Releases[len(g.Releases)-1]
	if first == last {
		return first
	}
	return first + " … " + last
}
