package output

import (
	"bytes"
	"math"
	"unicode/utf8"

	"github.com/rules-gadget/rules_gadget/internal/printable"
)

func floatOf(bits uint64) float64 { return math.Float64frombits(bits) }

// Header appends the titles; those of arrays come with each array.
func (c *columns) Header(dst []byte) []byte {
	if c.array {
		return dst
	}
	return c.titles(dst)
}

func (c *columns) titles(dst []byte) []byte {
	for i := range c.cols {
		dst = c.cell(dst, i, []byte(c.cols[i].title))
	}
	if c.cut {
		dst = append(append(dst, ' '), ellipsisMark...)
	}
	return endLine(dst)
}

// Event appends one line.
func (c *columns) Event(dst, sample []byte) []byte {
	for i := range c.cols {
		if c.cols[i].hidden {
			continue
		}
		c.raw = c.cols[i].append(c.raw[:0], sample)
		dst = c.cell(dst, i, c.raw)
	}
	return endLine(dst)
}

// emptyScreen moves to the top of a terminal and clears it.
const emptyScreen = "\x1b[H\x1b[2J"

// Array appends the titles and a line for each entry.
func (c *columns) Array(dst []byte, samples [][]byte) []byte {
	if c.clear {
		dst = append(dst, emptyScreen...)
	}
	dst = c.titles(dst)
	for _, s := range samples {
		dst = c.Event(dst, s)
	}
	return dst
}

// cell appends text in column i unless it is hidden, with the space that parts it from the one
// before.
func (c *columns) cell(dst []byte, i int, text []byte) []byte {
	col := &c.cols[i]
	if col.hidden {
		return dst
	}
	if i > 0 {
		dst = append(dst, ' ')
	}
	var width int
	c.text, width = printable.Append(c.text[:0], text)
	if width > col.width {
		if c.whole {
			return append(dst, c.text...)
		}
		return cut(dst, c.text, width, col)
	}
	if col.right {
		return append(pad(dst, col.width-width), c.text...)
	}
	return pad(append(dst, c.text...), col.width-width)
}

func pad(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, ' ')
	}
	return dst
}

// cut appends the part of text, width characters long, that fits into col,
// with a mark where something is missing.
func cut(dst, text []byte, width int, col *column) []byte {
	keep := col.width - 1
	if keep < 1 || col.ellipsis == ellipsisNone {
		return append(dst, text[:runeOffset(text, col.width)]...)
	}
	switch col.ellipsis {
	case ellipsisTime:
		return cutTime(dst, text, keep)
	case ellipsisStart:
		return append(append(dst, ellipsisMark...), text[runeOffset(text, width-keep):]...)
	case ellipsisMiddle:
		head := (keep + 1) / 2
		dst = append(append(dst, text[:runeOffset(text, head)]...), ellipsisMark...)
		return append(dst, text[runeOffset(text, width-(keep-head)):]...)
	}
	return append(append(dst, text[:runeOffset(text, keep)]...), ellipsisMark...)
}

// cutTime appends what fits of a time, 2006-01-02T15:04:05.999999999Z, into keep
// characters and a mark: the time of day, which distinguishes the lines of a run, from
// its hours on.
func cutTime(dst, text []byte, keep int) []byte {
	_, clock, found := bytes.Cut(text, []byte("T"))
	switch {
	case !found || keep < 1:
		return append(append(dst, text[:runeOffset(text, keep)]...), ellipsisMark...)
	case len(clock) <= keep:
		return pad(append(append(dst, ellipsisMark...), clock...), keep-len(clock))
	}
	return append(append(dst, clock[:keep]...), ellipsisMark...)
}

// runeOffset returns the offset of character n of text.
func runeOffset(text []byte, n int) int {
	off := 0
	for ; n > 0 && off < len(text); n-- {
		_, size := utf8.DecodeRune(text[off:])
		off += size
	}
	return off
}

// endLine appends a newline in place of the spaces at the end of the line.
func endLine(dst []byte) []byte {
	return append(bytes.TrimRight(dst, " "), '\n')
}
