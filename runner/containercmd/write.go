package containercmd

import (
	"encoding/json"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rules-gadget/rules_gadget/runner/container"
)

// printTable writes the containers as columns as wide as their widest text.
func printTable(w io.Writer, cols []column, all []container.Container) error {
	rows := [][]string{titles(cols)}
	for i := range all {
		rows = append(rows, texts(cols, &all[i]))
	}
	widths := make([]int, len(cols))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	var out strings.Builder
	for _, row := range rows {
		out.WriteString(line(row, widths))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func titles(cols []column) []string {
	row := make([]string, 0, len(cols))
	for _, c := range cols {
		row = append(row, c.title)
	}
	return row
}

// texts returns the cells of a container. Control characters, which names may
// hold, cannot steer the terminal.
func texts(cols []column, c *container.Container) []string {
	row := make([]string, 0, len(cols))
	for _, col := range cols {
		row = append(row, strings.Map(func(r rune) rune {
			if r < ' ' || r >= 0x7f && r < 0xa0 {
				return utf8.RuneError
			}
			return r
		}, col.text(c)))
	}
	return row
}

// line aligns cells. Texts that are too wide stay whole.
func line(row []string, widths []int) string {
	var out strings.Builder
	for i, text := range row {
		if i > 0 {
			out.WriteByte(' ')
		}
		out.WriteString(text)
		out.WriteString(strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(text))))
	}
	return strings.TrimRight(out.String(), " ") + "\n"
}

// writer writes containers as they come and go, a line each.
type writer struct {
	out    io.Writer
	cols   []column
	json   bool
	widths []int
}

// The column with the type of the event.
const (
	eventTitle = "EVENT"
	eventWidth = len(container.Added)
)

// begin writes the titles.
func (w *writer) begin() error {
	if w.json {
		return nil
	}
	w.widths = []int{eventWidth}
	for _, c := range w.cols {
		w.widths = append(w.widths, max(c.width, len(c.title)))
	}
	_, err := io.WriteString(w.out, line(append([]string{eventTitle}, titles(w.cols)...), w.widths))
	return err
}

// event writes what happened to a container.
func (w *writer) event(e container.Event, at time.Time) error {
	if !w.json {
		_, err := io.WriteString(w.out, line(append([]string{string(e.Type)}, texts(w.cols, &e.Container)...), w.widths))
		return err
	}
	enc := json.NewEncoder(w.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Timestamp string              `json:"timestamp"`
		Event     container.EventType `json:"event"`
		Container container.Container `json:"container"`
	}{at.Format(time.RFC3339Nano), e.Type, e.Container})
}
