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
	// value appends text, the value of a field of kind k.
	value(dst, text []byte, k field.Kind) []byte
	// quoted appends a text in quotes.
	quoted(dst, text []byte) []byte
	// end closes the event.
	end(dst []byte) []byte
	// item begins entry number i of an array, arrayEnd ends n of them.
	item(dst []byte, i int) []byte
	arrayEnd(dst []byte, n int) []byte
}

// tree is an Encoder whose constant parts are rendered beforehand: an event is
// a sequence of literals with one value after each.
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
	list    field.ListFunc // nil for all but lists
}

// newTree returns the encoder of src in style st. Names are sorted, as users
// of other runners expect it.
func newTree(src *field.Source, sel selection, st style) *tree {
	t := &tree{style: st}
	b := &treeBuilder{tree: t, sel: sel}
	depth := 0
	if src.Array {
		depth = 1
	}
	b.object(src.Fields, depth)
	t.tail = b.literal
	return t
}

func (t *tree) Header(dst []byte) []byte { return dst }

func (t *tree) Event(dst, sample []byte) []byte { return t.style.end(t.object(dst, sample)) }

func (t *tree) Array(dst []byte, samples [][]byte) []byte {
	for i, s := range samples {
		dst = t.object(t.style.item(dst, i), s)
	}
	return t.style.arrayEnd(dst, len(samples))
}

func (t *tree) object(dst, sample []byte) []byte {
	for i := range t.steps {
		s := &t.steps[i]
		dst = append(dst, s.literal...)
		if s.list != nil {
			dst = appendList(dst, s.list(sample), t.style)
			continue
		}
		t.text = s.append(t.text[:0], sample)
		dst = t.style.value(dst, t.text, s.kind)
	}
	return append(dst, t.tail...)
}

// appendList appends texts as a list, which is the same in JSON and YAML.
func appendList(dst []byte, texts [][]byte, st style) []byte {
	dst = append(dst, '[')
	for i, text := range texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = st.quoted(dst, text)
	}
	return append(dst, ']')
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
		if f.Constant {
			b.literal = b.tree.style.value(b.literal, f.Append(nil, nil), f.Kind)
			continue
		}
		b.tree.steps = append(b.tree.steps, step{literal: b.literal, kind: f.Kind, append: f.Append, list: f.List})
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

func (jsonStyle) quoted(dst, text []byte) []byte { return appendString(dst, text) }

func (s jsonStyle) end(dst []byte) []byte { return append(dst, '\n') }

func (s jsonStyle) item(dst []byte, i int) []byte {
	if i == 0 {
		return s.newline(append(dst, '['), 1)
	}
	return s.newline(append(dst, ','), 1)
}

func (s jsonStyle) arrayEnd(dst []byte, n int) []byte {
	if n == 0 {
		return append(dst, "[]\n"...)
	}
	return append(s.newline(dst, 0), "]\n"...)
}

// yamlStyle writes one document an event, or an array as a list. Its strings
// are JSON strings, which YAML understands.
type yamlStyle struct{ list bool }

func (s yamlStyle) open(dst []byte, depth int) []byte {
	if depth == 0 {
		return append(dst, "---"...)
	}
	return bytes.TrimRight(dst, " ")
}

func (yamlStyle) close(dst []byte, _ int) []byte { return dst }

func (s yamlStyle) key(dst []byte, name string, depth int, first bool) []byte {
	if s.list && depth == 2 && first {
		return append(append(dst, name...), ": "...)
	}
	dst = append(dst, '\n')
	for range depth - 1 {
		dst = append(dst, "  "...)
	}
	return append(append(dst, name...), ": "...)
}

func (yamlStyle) item(dst []byte, i int) []byte {
	if i == 0 {
		dst = append(dst, "---"...)
	}
	return append(dst, "\n- "...)
}

func (yamlStyle) arrayEnd(dst []byte, n int) []byte {
	if n == 0 {
		dst = append(dst, "--- []"...)
	}
	return append(dst, '\n')
}

func (yamlStyle) value(dst, text []byte, k field.Kind) []byte {
	if k == field.String && !plainYAML(text) {
		return appendYAMLString(dst, text)
	}
	return append(dst, text...)
}

func (yamlStyle) quoted(dst, text []byte) []byte { return appendYAMLString(dst, text) }

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
