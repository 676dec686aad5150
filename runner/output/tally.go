package output

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"github.com/rules-gadget/rules_gadget/runner/field"
)

const (
	// maxTally is how many different events a tally has; what comes later is counted
	// as one.
	maxTally = 10_000
	// tallyInterval is the time between two tables without a terminal, and
	// tallyPicture that between two pictures on one.
	tallyInterval = time.Second
	tallyPicture  = 250 * time.Millisecond
	// plainTop is how many entries a table without a terminal has.
	plainTop = 20
	// countTitle heads the column of the numbers.
	countTitle = "COUNT"
)

// tally counts single events that look the same, for a Top whose first column is
// their number.
type tally struct {
	index  map[string]int // of the rows in Top.next, by what they show
	others uint64         // events that no row has
	key    []byte         // reused
	cells  [][]byte       // reused
	drawn  time.Time
	stale  bool // something came since
}

// newTally makes a Top of single events. When an event came is not part of what it
// shows unless the user names the field.
func newTally(src *field.Source, sel selection, o Options) (Encoder, error) {
	c, err := newColumns(src, sel, 0)
	if err != nil {
		return nil, err
	}
	t := &Top{name: src.Name, size: o.Size, table: *c, tally: &tally{index: map[string]int{}}}
	t.layout = []column{{title: countTitle, width: 8, right: true, precision: -1}}
	t.numbers = []func([]byte) float64{nil}
	for i, f := range sel.columns(src) {
		if o.Fields == "" && isTime(f) {
			continue
		}
		t.layout, t.numbers = append(t.layout, c.cols[i]), append(t.numbers, numberFunc(f))
	}
	t.table.cols = t.layout
	return t, nil
}

// isTime reports whether f is a time, or the text of one.
func isTime(f *field.Field) bool {
	return f.Time || f.Annotations[field.AnnotationTemplate] == "timestamp"
}

// count adds an event, and appends a picture when it is time for one.
func (t *Top) count(dst, sample []byte) []byte {
	t.mu.Lock()
	t.add(sample)
	due := time.Since(t.tally.drawn) >= t.interval()
	t.mu.Unlock()
	if due {
		return t.Redraw(dst)
	}
	return dst
}

func (t *Top) interval() time.Duration {
	if t.size == nil {
		return tallyInterval
	}
	return tallyPicture
}

// add counts an event; the caller has the lock.
func (t *Top) add(sample []byte) {
	y := t.tally
	y.stale = true
	y.key = y.key[:0]
	for i := range t.layout[1:] {
		if len(y.cells) <= i {
			y.cells = append(y.cells, nil)
		}
		y.cells[i] = t.layout[i+1].append(y.cells[i][:0], sample)
		y.key = append(append(y.key, y.cells[i]...), 0)
	}
	at, ok := y.index[string(y.key)]
	if !ok {
		if len(t.next) == maxTally {
			y.others++
			return
		}
		row := topRow{make([][]byte, len(t.layout)), make([]float64, len(t.layout))}
		for i, number := range t.numbers[1:] {
			row.cells[i+1] = bytes.Clone(y.cells[i])
			if number != nil {
				row.numbers[i+1] = number(sample)
			}
		}
		at = len(t.next)
		y.index[string(y.key)] = at
		t.next = append(t.next, row)
	}
	row := t.next[at]
	row.numbers[0]++
	row.cells[0] = strconv.AppendUint(row.cells[0][:0], uint64(row.numbers[0]), 10)
	if !t.paused {
		t.rows = t.next
	}
}

// Stale reports whether events came that no picture shows yet.
func (t *Top) Stale() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tally != nil && t.tally.stale && !t.paused
}

// hold keeps the rows as they are while others are counted.
func hold(rows []topRow) []topRow {
	out := make([]topRow, len(rows))
	for i, r := range rows {
		out[i] = topRow{slices.Clone(r.cells), slices.Clone(r.numbers)}
		out[i].cells[0] = bytes.Clone(r.cells[0])
	}
	return out
}

// plain appends the first entries as a table without codes of terminals; the caller
// has the lock.
func (t *Top) plain(dst []byte) []byte {
	dst = t.table.titles(dst)
	rows := t.shown()
	for _, r := range rows[:min(len(rows), plainTop)] {
		for i, cell := range r.cells {
			dst = t.table.cell(dst, i, cell)
		}
		dst = append(bytes.TrimRight(dst, " "), '\n')
	}
	return dst
}
