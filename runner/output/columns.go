package output

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rules-gadget/rules_gadget/runner/field"
)

// The widths of columns for which gadget.yaml specifies none.
const (
	defaultWidth = 16
	minimalWidth = 4 // a column is not made narrower unless configured so
)

const ellipsisMark = "…"

type ellipsis uint8

const (
	ellipsisEnd ellipsis = iota
	ellipsisStart
	ellipsisMiddle
	ellipsisNone
	ellipsisTime // the date first, then the fraction of the seconds
)

// column is one column with its layout.
type column struct {
	title     string
	append    field.AppendFunc
	width     int
	min, max  int // max 0: as wide as there is room
	fixed     bool
	right     bool
	ellipsis  ellipsis
	hex       bool
	number    field.NumberFunc
	precision int  // of floats, -1 for all digits
	named     bool // the user named it
	text      bool // its values are of any length
	hidden    bool // the line has no room for it
}

// columns is the Encoder of aligned text.
type columns struct {
	cols      []column
	array     bool   // the source is one of arrays
	clear     bool   // an array begins on an empty screen
	whole     bool   // show whole texts: no terminal has to hold the line
	cut       bool   // some columns are hidden
	raw, text []byte // reused
}

func newColumns(src *field.Source, sel selection, width int) (*columns, error) {
	c := &columns{array: src.Array}
	for _, f := range sel.columns(src) {
		text := f.Column()
		if text == nil {
			return nil, fmt.Errorf("field %q of data source %q is a struct, name one of its fields: %s",
				f.FullName, src.Name, childNames(f))
		}
		col, err := newColumn(f)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", f.FullName, err)
		}
		col.named, col.text = sel.names(f), isText(f)
		if err := col.replace(src, f); err != nil {
			return nil, fmt.Errorf("column %q: %w", f.FullName, err)
		}
		c.cols = append(c.cols, col)
	}
	if len(c.cols) == 0 {
		return nil, fmt.Errorf("data source %q has no columns to show", src.Name)
	}
	c.whole = width <= 0
	if !c.whole {
		c.cut = fit(c.cols, width)
	}
	return c, nil
}

func childNames(f *field.Field) string {
	var names []string
	for _, c := range f.Children {
		names = append(names, c.FullName)
	}
	return strings.Join(names, ", ")
}

func newColumn(f *field.Field) (column, error) {
	c := column{
		title: strings.ToUpper(f.Alias()), append: f.Column(), precision: -1,
		right: f.Annotations["columns.alignment"] == "right", fixed: f.Annotations["columns.fixed"] == "true",
		hex: f.Annotations["columns.hex"] == "true", number: f.Number,
	}
	for _, n := range []struct {
		key string
		dst *int
	}{
		{"columns.width", &c.width},
		{"columns.minwidth", &c.min},
		{"columns.maxwidth", &c.max},
		{"columns.precision", &c.precision},
	} {
		if err := annotationInt(f, n.key, n.dst); err != nil {
			return c, err
		}
	}
	switch e := f.Annotations["columns.ellipsis"]; e {
	case "":
		if isTime(f) {
			c.ellipsis = ellipsisTime
		}
	case "end":
	case "start":
		c.ellipsis = ellipsisStart
	case "middle":
		c.ellipsis = ellipsisMiddle
	case "none":
		c.ellipsis = ellipsisNone
	default:
		return c, fmt.Errorf("annotation columns.ellipsis: %q is not start, middle, end or none", e)
	}
	c.defaults(f)
	c.special(f)
	return c, nil
}

// replace has the column show the value of another field, which an annotation of its own
// field names.
func (c *column) replace(src *field.Source, f *field.Field) error {
	name := f.Annotations["columns.replace"]
	if name == "" {
		return nil
	}
	other := src.Lookup(name)
	switch {
	case other == nil:
		return fmt.Errorf("annotation columns.replace: %w", src.Unknown(name))
	case other.Column() == nil:
		return fmt.Errorf("annotation columns.replace: field %q is a struct, name one of its fields: %s", other.FullName,
			childNames(other))
	}
	c.append, c.number, c.text = other.Column(), other.Number, isText(other)
	return nil
}

// isText reports whether f may be of any length.
func isText(f *field.Field) bool { return f.Kind == field.String || f.Kind == field.List }

func annotationInt(f *field.Field, key string, dst *int) error {
	v, ok := f.Annotations[key]
	if !ok {
		return nil
	}
	if v == "type" {
		*dst = typeWidth(f)
		return nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > 1<<16 {
		return fmt.Errorf("annotation %s: %q is not a width", key, v)
	}
	*dst = n
	return nil
}

// typeWidth returns the most characters that a number or bool of f's type
// needs, 0 for other kinds.
func typeWidth(f *field.Field) int {
	digits := map[uint32]int{1: 3, 2: 5, 4: 10, 8: 20}[f.Size]
	switch f.Kind {
	case field.Uint:
		return digits
	case field.Int:
		return min(digits+1, 20)
	case field.Bool:
		return 5
	}
	return 0
}

// defaults fills the widths that gadget.yaml left open.
func (c *column) defaults(f *field.Field) {
	title := utf8.RuneCountInString(c.title)
	if c.width == 0 {
		c.width = defaultWidth
		if w := typeWidth(f); w > 0 {
			c.width = max(min(w, defaultWidth), min(title, defaultWidth))
		}
		if isText(f) && f.Annotations["columns.maxwidth"] == "" && f.Size > 64 && f.Parent == nil {
			c.width = 2 * defaultWidth
		}
	}
	if c.max == 0 && !isText(f) {
		c.max = max(typeWidth(f), c.width)
	}
	if c.max > 0 {
		c.max = max(c.max, c.min)
		c.width = min(c.width, c.max)
	}
	// A title is readable even on a narrow terminal.
	if c.min == 0 {
		c.min = max(minimalWidth, min(title, c.width))
	}
	if c.width < c.min {
		c.width = c.min
	}
}

// special replaces the text of numbers that are shown in another form.
func (c *column) special(f *field.Field) {
	read := c.number
	switch {
	case c.hex && (f.Kind == field.Uint || f.Kind == field.Int):
		mask := ^uint64(0)
		if f.Size < 8 {
			mask = 1<<(8*f.Size) - 1
		}
		c.append = func(dst, s []byte) []byte { return strconv.AppendUint(append(dst, "0x"...), read(s)&mask, 16) }
	case f.Kind == field.Float && c.precision >= 0:
		prec := c.precision
		c.append = func(dst, s []byte) []byte { return strconv.AppendFloat(dst, floatOf(read(s)), 'f', prec, 64) }
	}
}
