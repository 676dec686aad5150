package output

import (
	"bytes"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/runner/field"
)

// style is how a tree of fields is written.
type style interface {
	open(dst []byte, depth int) []byte
	key(dst []byte, name string, depth int, first bool) []byte
	close(dst []byte, depth int) []byte
	// value appends text, which stands for a field of kind k.
	value(dst, text []byte, k field.Kind) []byte
	// end closes the event.
	end(dst []byte) []byte
}

// tree is an Encoder whose constant parts are rendered beforehand: an event is
// a sequence of literals with one value behind each.
type tree struct {
	style style
	steps []step
	tail  []byte
	text  []byte // reused
}

type step struct {
	literal []byte
	kind    field.Kind
	append  field.AppendFunc
}

// newTree returns the encoder of src in style st. Names are sorted, as users
// of other runners know it.
func newTree(src *field.Source, sel selection, st style) *tree {
	t := &tree{style: st}
	b := &treeBuilder{tree: t, sel: sel}
	b.object(src.Fields, 0)
	t.tail = st.end(b.literal)
	return t
}

func (t *tree) Header(dst []byte) []byte { return dst }

func (t *tree) Event(dst, sample []byte) []byte {
	for i := range t.steps {
		s := &t.steps[i]
		dst = append(dst, s.literal...)
		t.text = s.append(t.text[:0], sample)
		dst = t.style.value(dst, t.text, s.kind)
	}
	return append(dst, t.tail...)
}

type treeBuilder struct {
	tree    *tree
	sel     selection
	literal []byte // since the last value
}

func (b *treeBuilder) object(fields []*field.Field, depth int) {
	b.literal = b.tree.style.open(b.literal, depth)
	first := true
	for _, f := range b.shown(fields) {
		b.literal = b.tree.style.key(b.literal, f.Name, depth+1, first)
		first = false
		if f.Kind == field.Struct {
			b.object(f.Children, depth+1)
			continue
		}
		b.tree.steps = append(b.tree.steps, step{literal: b.literal, kind: f.Kind, append: f.Append})
		b.literal = nil
	}
	b.literal = b.tree.style.close(b.literal, depth)
}

// shown returns the fields to write, sorted by name; structs only when
// something in them is shown.
func (b *treeBuilder) shown(fields []*field.Field) []*field.Field {
	var out []*field.Field
	for _, f := range fields {
		if f.Kind == field.Struct && len(b.shown(f.Children)) > 0 || f.Kind != field.Struct && b.sel.tree(f) {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(x, y *field.Field) int { return strings.Compare(x.Name, y.Name) })
	return out
}

// jsonStyle writes one object an event; with an indent it is pretty.
type jsonStyle struct{ indent string }

func (s jsonStyle) newline(dst []byte, depth int) []byte {
	if s.indent == "" {
		return dst
	}
	dst = append(dst, '\n')
	for range depth {
		dst = append(dst, s.indent...)
	}
	return dst
}

func (s jsonStyle) open(dst []byte, _ int) []byte { return append(dst, '{') }

func (s jsonStyle) close(dst []byte, depth int) []byte { return append(s.newline(dst, depth), '}') }

func (s jsonStyle) key(dst []byte, name string, depth int, first bool) []byte {
	if !first {
		dst = append(dst, ',')
	}
	dst = appendString(s.newline(dst, depth), []byte(name))
	dst = append(dst, ':')
	if s.indent != "" {
		dst = append(dst, ' ')
	}
	return dst
}

func (s jsonStyle) value(dst, text []byte, k field.Kind) []byte {
	if k == field.String {
		return appendString(dst, text)
	}
	return append(dst, text...)
}

func (s jsonStyle) end(dst []byte) []byte { return append(dst, '\n') }

// yamlStyle writes one document an event. Its strings are JSON strings, which
// YAML understands.
type yamlStyle struct{}

func (yamlStyle) open(dst []byte, depth int) []byte {
	if depth == 0 {
		return append(dst, "---"...)
	}
	return bytes.TrimRight(dst, " ")
}

func (yamlStyle) close(dst []byte, _ int) []byte { return dst }

func (yamlStyle) key(dst []byte, name string, depth int, _ bool) []byte {
	dst = append(dst, '\n')
	for range depth - 1 {
		dst = append(dst, "  "...)
	}
	return append(append(dst, name...), ": "...)
}

func (yamlStyle) value(dst, text []byte, k field.Kind) []byte {
	if k == field.String && !plainYAML(text) {
		return appendString(dst, text)
	}
	return append(dst, text...)
}

func (yamlStyle) end(dst []byte) []byte { return append(dst, '\n') }

// plainYAML reports whether text is a string in YAML without quotes.
func plainYAML(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	for i, c := range text {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '/' || c == '_'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '.' && c != '-') {
			return false
		}
	}
	switch strings.ToLower(string(text)) {
	case "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		return false
	}
	return true
}
