package output

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rules-gadget/rules_gadget/runner/field"
)

// Terminal control sequences: a screen of its own, without cursor and without
// breaking lines, and back; the parts of a picture.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	leaveScreen = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	topLeft     = "\x1b[H"
	inverse     = "\x1b[7m"
	plainText   = "\x1b[0m"
	wholeLine   = "\x1b[2K" // cleared before it is written: at its end that would clear the last character
	restBelow   = "\x1b[J"
)

// topHelp names the keys, and topKeys does where that does not fit.
const (
	topHelp = "</> sort, r reverse, p pause, / filter, q quit"
	topKeys = "keys: < > r p / q"
)

// maxTopFilter is how many characters a filter has.
const maxTopFilter = 128

// Top is the Encoder of mode top: on a terminal the latest entries of an array as a
// table that keys sort, filter and hold. Of single events it has those that differ,
// and how many came of each. Key and Redraw may be called from
// another goroutine than the others.
type Top struct {
	name    string
	size    func() (width, height int)
	tally   *tally   // nil for an array
	layout  []column // before it is fitted to a width
	numbers []func(sample []byte) float64

	mu        sync.Mutex
	table     columns
	width     int
	next      []topRow // what came while paused is not shown
	rows      []topRow
	sortBy    int // column, -1 for the order of the gadget
	ascending bool
	paused    bool
	editing   bool
	filter    string
}

// topRow is one entry: the text of each column, and its number where it has one.
type topRow struct {
	cells   [][]byte
	numbers []float64
}

func newTop(src *field.Source, sel selection, o Options) (Encoder, error) {
	if !src.Array {
		return newTally(src, sel, o)
	}
	c, err := newColumns(src, sel, 0)
	if err != nil || o.Size == nil {
		return c, err
	}
	t := &Top{name: src.Name, size: o.Size, layout: c.cols, sortBy: -1}
	for _, f := range sel.columns(src) {
		t.numbers = append(t.numbers, numberFunc(f))
	}
	return t, nil
}

// numberFunc returns the value of a number, nil for other fields.
func numberFunc(f *field.Field) func(sample []byte) float64 {
	read := f.Number
	switch f.Kind {
	case field.Int:
		return func(s []byte) float64 { return float64(int64(read(s))) }
	case field.Uint, field.Bool:
		return func(s []byte) float64 { return float64(read(s)) }
	case field.Float:
		return func(s []byte) float64 { return math.Float64frombits(read(s)) }
	}
	return nil
}

// Header implements Encoder.
func (t *Top) Header(dst []byte) []byte {
	if t.size == nil {
		return dst
	}
	return t.Redraw(append(dst, enterScreen...))
}

// Finish implements Finisher.
func (t *Top) Finish(dst []byte) []byte {
	if t.size == nil {
		return t.Redraw(dst)
	}
	return append(dst, leaveScreen...)
}

// Event implements Encoder.
func (t *Top) Event(dst, sample []byte) []byte {
	if t.tally != nil {
		return t.count(dst, sample)
	}
	return t.Array(dst, [][]byte{sample})
}

// Array implements Encoder.
func (t *Top) Array(dst []byte, samples [][]byte) []byte {
	rows := make([]topRow, 0, len(samples))
	for _, s := range samples {
		r := topRow{make([][]byte, len(t.layout)), make([]float64, len(t.layout))}
		for i, c := range t.layout {
			r.cells[i] = c.append(nil, s)
			if number := t.numbers[i]; number != nil {
				r.numbers[i] = number(s)
			}
		}
		rows = append(rows, r)
	}
	t.mu.Lock()
	t.next = rows
	if !t.paused {
		t.rows = rows
	}
	t.mu.Unlock()
	return t.Redraw(dst)
}

// Key gets the keys that were pressed, as a terminal sends them, and reports
// whether the user wants to leave.
func (t *Top) Key(keys []byte) (quit bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.NewReplacer("\x1b[C", ">", "\x1b[D", "<").Replace(string(keys))
	for _, r := range text {
		if t.editing {
			t.edit(r)
			continue
		}
		switch r {
		case 'q':
			return true
		case '>', '<':
			t.move(r)
		case 'r':
			t.ascending = !t.ascending
		case 'p', ' ':
			t.paused = !t.paused
			if t.rows = t.next; t.paused && t.tally != nil {
				t.rows = hold(t.next)
			}
		case '/':
			t.editing, t.filter = true, ""
		}
	}
	return false
}

// move sorts by the column on the right or on the left.
func (t *Top) move(r rune) {
	step := 1
	if r == '<' {
		step = len(t.layout) // one back, among one more than there are columns
	}
	t.sortBy = (t.sortBy+1+step)%(len(t.layout)+1) - 1
}

// edit takes a key into the filter.
func (t *Top) edit(r rune) {
	switch {
	case r == '\n' || r == '\r':
		t.editing = false
	case r == '\x1b':
		t.editing, t.filter = false, ""
	case r == '\x7f' || r == '\b':
		_, n := utf8.DecodeLastRuneInString(t.filter)
		t.filter = t.filter[:len(t.filter)-n]
	case unicode.IsPrint(r) && len(t.filter) < maxTopFilter:
		t.filter += string(r)
	}
}

// Redraw appends the picture as it is now.
func (t *Top) Redraw(dst []byte) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tally != nil {
		t.tally.stale, t.tally.drawn = false, time.Now()
	}
	if t.size == nil {
		return t.plain(dst)
	}
	width, height := t.size()
	if width != t.width {
		t.width, t.table.cols, t.table.whole = width, slices.Clone(t.layout), false
		t.table.cut = fit(t.table.cols, width)
	}
	rows := t.shown()
	dst = append(t.status(append(append(dst, topLeft...), wholeLine...), len(rows)), '\n')
	dst = append(append(dst, wholeLine...), inverse...)
	dst = bytes.TrimSuffix(t.table.titles(dst), []byte("\n"))
	dst = append(append(dst, plainText...), '\n')
	for _, r := range rows[:min(len(rows), max(0, height-3))] {
		dst = append(dst, wholeLine...)
		for i, cell := range r.cells {
			dst = t.table.cell(dst, i, cell)
		}
		dst = endLine(dst)
	}
	return append(dst, restBelow...)
}

// status appends the line above the table.
func (t *Top) status(dst []byte, shown int) []byte {
	start := len(dst)
	dst = fmt.Appendf(dst, "%s: %d of %d", t.name, shown, len(t.rows))
	if t.tally != nil && t.tally.others > 0 {
		dst = fmt.Appendf(dst, ", %d events of others", t.tally.others)
	}
	if t.sortBy >= 0 {
		order := "descending"
		if t.ascending {
			order = "ascending"
		}
		dst = fmt.Appendf(dst, ", by %s %s", t.layout[t.sortBy].title, order)
	}
	if t.paused {
		dst = append(dst, ", paused"...)
	}
	if t.editing {
		return fmt.Appendf(dst, ", filter: %s_ (Enter, Escape)", t.filter)
	}
	if t.filter != "" {
		dst = fmt.Appendf(dst, ", with %q", t.filter)
	}
	help := topHelp
	if used := utf8.RuneCount(dst[start:]); used+len("  ()")+len(help) > t.width {
		help = topKeys
	}
	return fmt.Appendf(dst, "  (%s)", help)
}

// shown returns the rows that the filter leaves, in their order.
func (t *Top) shown() []topRow {
	var out []topRow
	word := []byte(strings.ToLower(t.filter))
	for _, r := range t.rows {
		has := func(cell []byte) bool { return bytes.Contains(bytes.ToLower(cell), word) }
		if len(word) == 0 || slices.ContainsFunc(r.cells, has) {
			out = append(out, r)
		}
	}
	if i := t.sortBy; i >= 0 {
		slices.SortStableFunc(out, func(a, b topRow) int {
			n := cmp.Or(cmp.Compare(a.numbers[i], b.numbers[i]), bytes.Compare(a.cells[i], b.cells[i]))
			if !t.ascending {
				return -n
			}
			return n
		})
	}
	return out
}
