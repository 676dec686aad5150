// Package show writes what the commands of gadget-run print: tables, sizes,
// times, JSON and YAML.
package show

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/rules-gadget/rules_gadget/internal/printable"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// The values of --output that several commands have.
const (
	Columns = "columns"
	JSON    = "json"
	YAML    = "yaml"
)

// Data writes v as JSON or YAML.
func Data(w io.Writer, format string, v any) error {
	if format == YAML {
		return writeYAML(w, v)
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(printable.JSON(text.Bytes()))
	return err
}

// writeYAML writes v as YAML. Strings with what is not printable are quoted, so that
// it can be escaped.
func writeYAML(w io.Writer, v any) error {
	var root yaml.Node
	if err := root.Encode(v); err != nil {
		return err
	}
	quoteUnprintable(&root)
	var text bytes.Buffer
	enc := yaml.NewEncoder(&text)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(&root), enc.Close()); err != nil {
		return err
	}
	_, err := w.Write(printable.YAML(text.Bytes()))
	return err
}

func quoteUnprintable(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && printable.Text(n.Value) != n.Value {
		n.Style = yaml.DoubleQuotedStyle
	}
	for _, child := range n.Content {
		quoteUnprintable(child)
	}
}

// Safe returns w, and where it is a terminal a writer that escapes what a terminal
// would act on.
func Safe(w io.Writer) io.Writer {
	if cli.IsTerminal(w) {
		return printable.NewWriter(w)
	}
	return w
}

// Printable replaces control characters, so that no artifact can steer the
// terminal.
func Printable(s string) string {
	return printable.Line(s)
}

// Size is a number of bytes with a binary unit.
func Size(n int64) string {
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

// Ago is how long ago an RFC 3339 time is. The epoch, which
// reproducible builds write, is not a time.
func Ago(text string, now time.Time) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.Unix() <= 0 {
		return "-"
	}
	d := now.Sub(at)
	for _, u := range []struct {
		name string
		size time.Duration
	}{
		{"year", 365 * 24 * time.Hour},
		{"month", 30 * 24 * time.Hour},
		{"day", 24 * time.Hour},
		{"hour", time.Hour},
		{"minute", time.Minute},
	} {
		if n := int(d / u.size); n > 0 {
			return fmt.Sprintf("%d %s%s ago", n, u.name, Plural(n))
		}
	}
	return "just now"
}

// Plural returns the ending of a noun of which there are n: "s", or nothing for one.
func Plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// shortDigest is how many hexadecimal digits of a digest a column shows.
const shortDigest = 12

// ShortDigest is the start of a digest, without the algorithm.
func ShortDigest(digest string) string {
	_, hex, _ := strings.Cut(digest, ":")
	return hex[:min(len(hex), shortDigest)]
}

// Line prints a line of what the command is for.
func Line(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format+"\n", args...)
	return err
}
