package imagecmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// The values of --output that several commands have.
const (
	outputColumns = "columns"
	outputJSON    = "json"
	outputYAML    = "yaml"
)

// printData writes v as JSON or YAML.
func printData(w io.Writer, format string, v any) error {
	if format == outputYAML {
		enc := yaml.NewEncoder(w)
		enc.SetIndent(2)
		if err := enc.Encode(v); err != nil {
			return err
		}
		return enc.Close()
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// table prints aligned columns. On a terminal the last one is wrapped.
type table struct {
	out     io.Writer
	last    string // title of the last column
	text    bytes.Buffer
	columns *tabwriter.Writer
}

func newTable(w io.Writer, header ...string) *table {
	t := &table{out: w, last: header[len(header)-1]}
	t.columns = tabwriter.NewWriter(&t.text, 0, 8, 3, ' ', 0)
	t.row(header...)
	return t
}

// row adds a line. Control characters, which content from elsewhere may
// hold, are made visible.
func (t *table) row(cells ...string) {
	for i, c := range cells {
		cells[i] = printable(c)
	}
	fmt.Fprintln(t.columns, strings.Join(cells, "\t"))
}

// flush writes the lines, without the blanks of an empty last column.
func (t *table) flush() error {
	if err := t.columns.Flush(); err != nil {
		return err
	}
	width := cli.TerminalWidth(t.out)
	header, _, _ := strings.Cut(t.text.String(), "\n")
	indent := max(0, len(header)-len(t.last))
	for line := range strings.Lines(t.text.String()) {
		cells := []rune(strings.TrimRight(line, " \n"))
		begin := min(indent, len(cells))
		before := string(cells[:begin])
		for _, part := range cli.Wrap(string(cells[begin:]), width-indent) {
			if _, err := fmt.Fprintln(t.out, strings.TrimRight(before+part, " ")); err != nil {
				return err
			}
			before = strings.Repeat(" ", indent)
		}
	}
	return nil
}

// printable replaces control characters, so that no artifact can steer the
// terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, s)
}

// humanSize is a number of bytes with a binary unit.
func humanSize(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%dB", n)
	}
	f, units := float64(n)/unit, "KMGTPE"
	for f >= unit && len(units) > 1 {
		f, units = f/unit, units[1:]
	}
	return fmt.Sprintf("%.1f%ciB", f, units[0])
}

// humanTime is how long ago an RFC 3339 time is. The epoch, which
// reproducible builds write, is no time.
func humanTime(text string, now time.Time) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.Unix() <= 0 {
		return "-"
	}
	d := now.Sub(at)
	for _, u := range []struct {
		name string
		size time.Duration
	}{{"year", 365 * 24 * time.Hour}, {"month", 30 * 24 * time.Hour}, {"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if n := int(d / u.size); n > 0 {
			return fmt.Sprintf("%d %s%s ago", n, u.name, plural(n))
		}
	}
	return "just now"
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
