package show

import (
	"io"
	"strings"
	"unicode/utf8"

	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// columnGap is how many blanks are between two columns.
const columnGap = 3

// minLast is how narrow the last column may get before another one gives way.
const minLast = 20

// Table prints aligned columns. On a terminal that is too narrow the last one is
// wrapped between words; where that does not help, the widest of the others is, after
// the slashes of its names.
type Table struct {
	out  io.Writer
	rows [][]string
}

// NewTable starts a table with these column titles.
func NewTable(w io.Writer, header ...string) *Table {
	t := &Table{out: w}
	t.Row(header...)
	return t
}

// Row adds a line, of as many cells as there are titles. Control characters, which
// content from elsewhere may hold, are made visible.
func (t *Table) Row(cells ...string) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = Printable(c)
	}
	t.rows = append(t.rows, row)
}

// Flush writes the lines, without the blanks of an empty last column.
func (t *Table) Flush() error {
	widths := t.widths()
	last := len(widths) - 1
	terminal := cli.TerminalWidth(t.out)
	if terminal > 0 {
		if excess := sum(widths[:last]) + min(widths[last], minLast) - terminal; excess > 0 && last > 0 {
			t.narrow(widths, excess)
		}
		widths[last] = terminal - sum(widths[:last])
	}
	var text strings.Builder
	for _, row := range t.rows {
		cells := make([][]string, len(row))
		height := 1
		for i, c := range row {
			cells[i] = []string{c}
			switch {
			case i == last && terminal > 0:
				cells[i] = cli.Wrap(c, widths[i])
			case i < last && utf8.RuneCountInString(c) > widths[i]-columnGap:
				cells[i] = breakPath(c, widths[i]-columnGap)
			}
			height = max(height, len(cells[i]))
		}
		for at := range height {
			text.WriteString(line(cells, widths, at))
		}
	}
	_, err := io.WriteString(t.out, text.String())
	return err
}

// widths returns how wide each column is, with the gap after it.
func (t *Table) widths() []int {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, c := range row {
			n := utf8.RuneCountInString(c)
			if i < len(row)-1 {
				n += columnGap
			}
			widths[i] = max(widths[i], n)
		}
	}
	return widths
}

// narrow takes excess from the widest column but the last, as far as the parts of its
// names and its title have room.
func (t *Table) narrow(widths []int, excess int) {
	widest := 0
	for i := range widths[:len(widths)-1] {
		if widths[i] > widths[widest] {
			widest = i
		}
	}
	least := minLast
	for _, row := range t.rows {
		for _, part := range strings.SplitAfter(row[widest], "/") {
			least = max(least, utf8.RuneCountInString(part))
		}
	}
	widths[widest] = min(widths[widest], max(widths[widest]-excess, least+columnGap))
}

// breakPath breaks text after slashes into lines of at most width characters.
func breakPath(text string, width int) []string {
	lines := []string{""}
	for _, part := range strings.SplitAfter(text, "/") {
		last := &lines[len(lines)-1]
		if *last != "" && utf8.RuneCountInString(*last+part) > width {
			lines = append(lines, part)
			continue
		}
		*last += part
	}
	return lines
}

// line is a line of a row: the one that each of its cells has at this place.
func line(cells [][]string, widths []int, at int) string {
	var out strings.Builder
	for i, c := range cells {
		text := ""
		if at < len(c) {
			text = c[at]
		}
		out.WriteString(text)
		if i < len(cells)-1 {
			out.WriteString(strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(text))))
		}
	}
	return strings.TrimRight(out.String(), " ") + "\n"
}

func sum(widths []int) int {
	n := 0
	for _, w := range widths {
		n += w
	}
	return n
}
