package output

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/runner/field"
)

// Mode is a form of output.
type Mode string

// The output modes of gadget-run.
const (
	Columns    Mode = "columns"
	JSON       Mode = "json"
	JSONPretty Mode = "jsonpretty"
	YAML       Mode = "yaml"
	Raw        Mode = "raw"
	Advise     Mode = "advise"
	Folded     Mode = "folded"
	FlameGraph Mode = "flamegraph"
	Pprof      Mode = "pprof"
	PcapNG     Mode = "pcap-ng"
	ModeTop    Mode = "top"
	None       Mode = "none"
)

// Modes returns every mode, the default first.
func Modes() []Mode {
	return []Mode{Columns, JSON, JSONPretty, YAML, Raw, Advise, Folded, FlameGraph, Pprof, PcapNG, ModeTop, None}
}

// Binary reports whether the mode writes what no terminal can show.
func (m Mode) Binary() bool { return m == Pprof || m == PcapNG }

// File reports whether the mode writes one file, with nothing else around it.
func (m Mode) File() bool { return m == FlameGraph || m.Binary() }

// Encoder makes the text of the events of one source.
type Encoder interface {
	// Header appends what precedes the first event, if anything does.
	Header(dst []byte) []byte
	// Event appends the text of one event, with its newline.
	Event(dst, sample []byte) []byte
	// Array appends the text of entries that came at once. Encoders of
	// sources of arrays are called with nothing else.
	Array(dst []byte, samples [][]byte) []byte
}

// Finisher is an Encoder that has something to write when the run ends.
type Finisher interface {
	// Finish appends it.
	Finish(dst []byte) []byte
}

// Options choose what an Encoder shows.
type Options struct {
	Mode   Mode
	Fields string                     // "a,b" or "+a,-b", empty for the default
	Size   func() (width, height int) // of the terminal that keys come from; nil: none
	Clear  bool                       // columns of arrays begin on an empty screen
	Width  int                        // of the terminal in characters; 0: no terminal, texts stay whole
}

// New returns the encoder of src, nil for mode None.
func New(src *field.Source, o Options) (Encoder, error) {
	sel, err := selectFields(src, o.Fields)
	if err != nil {
		return nil, err
	}
	switch o.Mode {
	case Columns:
		c, err := newColumns(src, sel, o.Width)
		if err != nil {
			return nil, err
		}
		c.clear = o.Clear
		return withHistograms(src, sel, c), nil
	case JSON:
		return newTree(src, sel, jsonStyle{}), nil
	case JSONPretty:
		return newTree(src, sel, jsonStyle{indent: "  "}), nil
	case YAML:
		return newTree(src, sel, yamlStyle{list: src.Array}), nil
	case Raw, Advise:
		return newPlain(src, sel, o.Mode)
	case Folded, FlameGraph, Pprof:
		return newStacks(src, o.Mode)
	case PcapNG:
		return newPcapNG(src)
	case ModeTop:
		return newTop(src, sel, o)
	case None:
		return nil, nil
	}
	return nil, fmt.Errorf("unknown output mode %q", o.Mode)
}

// selection is what --fields requests.
type selection struct {
	exact       []*field.Field // in this order, when fields are named without sign
	add, remove []*field.Field
}

// CheckFields returns an error for a list of fields that New refuses for every data
// source.
func CheckFields(spec string) error {
	exact, signed := false, false
	for name := range strings.SplitSeq(spec, ",") {
		switch name = strings.TrimSpace(name); {
		case strings.HasPrefix(name, "+"), strings.HasPrefix(name, "-"):
			signed = true
		case name != "":
			exact = true
		}
	}
	if exact && signed {
		return fmt.Errorf("fields %q: names with and without + or - cannot be mixed", spec)
	}
	return nil
}

// selectFields parses "a,b" (exactly these) or "+a,-b" (a change of what is
// shown by default). Both forms cannot be mixed.
func selectFields(src *field.Source, spec string) (selection, error) {
	var sel selection
	if strings.TrimSpace(spec) == "" {
		return sel, nil
	}
	if err := CheckFields(spec); err != nil {
		return sel, err
	}
	for name := range strings.SplitSeq(spec, ",") {
		list := &sel.exact
		switch name = strings.TrimSpace(name); {
		case strings.HasPrefix(name, "+"):
			list, name = &sel.add, name[1:]
		case strings.HasPrefix(name, "-"):
			list, name = &sel.remove, name[1:]
		}
		f := src.Lookup(name)
		if f == nil {
			return sel, src.Unknown(name)
		}
		*list = append(*list, f)
	}
	return sel, nil
}

// columns returns the fields that columns show.
func (sel selection) columns(src *field.Source) []*field.Field {
	if len(sel.exact) > 0 {
		return sel.exact
	}
	var out []*field.Field
	for _, f := range src.All() {
		shown := !f.Hidden() && f.Column() != nil || slices.Contains(sel.add, f)
		if shown && !slices.Contains(sel.remove, f) {
			out = append(out, f)
		}
	}
	return out
}

// names reports whether the user named f.
func (sel selection) names(f *field.Field) bool {
	return len(sel.exact) > 0 || slices.Contains(sel.add, f)
}

// tree reports whether JSON and YAML show f, a field with text. Hidden fields
// are shown too: scripts read them.
func (sel selection) tree(f *field.Field) bool {
	if f.SkipJSON() && !within(f, sel.exact) && !within(f, sel.add) || within(f, sel.remove) {
		return false
	}
	return len(sel.exact) == 0 || within(f, sel.exact)
}

// within reports whether f or a struct around it is in list.
func within(f *field.Field, list []*field.Field) bool {
	for ; f != nil; f = f.Parent {
		if slices.Contains(list, f) {
			return true
		}
	}
	return false
}
