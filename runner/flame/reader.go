package flame

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rules-gadget/rules_gadget/runner/field"
)

// The annotations that specify what a profile is made of.
const (
	annotationStackFields = "profiles.stack-fields"
	annotationValueField  = "profiles.value-field"
	annotationProfileType = "profiles.type"
	annotationProfileUnit = "profiles.unit"
	annotationFlameLevel  = "flamegraph.level"
	annotationFlameType   = "flamegraph.type"
)

// The special types that stacks and their processes have.
const (
	typeKernelStack = "gadget_kernel_stack"
	typeUserStack   = "gadget_user_stack"
	typeComm        = "gadget_comm"
)

// Purpose is what stacks are read for: annotations of a data source may specify for both
// what a stack is made of.
type Purpose int

// The purposes.
const (
	ForGraph  Purpose = iota // flamegraph.level goes before profiles.stack-fields
	ForExport                // profiles.stack-fields goes before flamegraph.level
)

// Reader reads the stacks of the events of a data source.
type Reader struct {
	// Unit is what weights count.
	Unit Unit

	parts  []stackPart // the outermost first
	weight field.NumberFunc
	text   []byte   // reused
	frames []string // reused
}

// stackPart adds frames to a stack: one for the value of a field, or those of a
// text with the innermost frame first. Of several texts the first that has
// something counts.
type stackPart struct {
	texts []field.AppendFunc
	whole bool // the text is one frame
}

// NewReader returns what reads the stacks of src, nil where it has none.
func NewReader(src *field.Source, purpose Purpose) (*Reader, error) {
	parts, err := stackParts(src, purpose)
	if len(parts) == 0 || err != nil {
		return nil, err
	}
	r := &Reader{Unit: Unit{Type: "samples", Unit: "count"}, parts: parts}
	if t := src.Annotations[annotationProfileType]; t != "" {
		r.Unit.Type = t
	}
	if u := src.Annotations[annotationProfileUnit]; u != "" {
		r.Unit.Unit = u
	}
	r.weight, err = stackWeight(src)
	return r, err
}

// Read returns the frames of an event, the outermost first, and how much it counts. The
// slice is valid until the next call.
func (r *Reader) Read(sample []byte) (frames []string, weight uint64) {
	r.frames = r.frames[:0]
	for _, p := range r.parts {
		r.text = r.text[:0]
		for _, text := range p.texts {
			if r.text = text(r.text[:0], sample); len(r.text) > 0 {
				break
			}
		}
		r.frames = p.frames(r.frames, string(r.text))
	}
	if r.weight == nil {
		return r.frames, 1
	}
	return r.frames, r.weight(sample)
}

// stackWeight returns how much an event counts, nil for 1.
func stackWeight(src *field.Source) (field.NumberFunc, error) {
	if name := src.Annotations[annotationValueField]; name != "" {
		f := src.Lookup(name)
		if f == nil {
			return nil, fmt.Errorf("annotation %s: %w", annotationValueField, src.Unknown(name))
		}
		if f.Number == nil || f.Kind == field.Float {
			return nil, fmt.Errorf("annotation %s: field %q is not a whole number", annotationValueField, f.FullName)
		}
		return f.Number, nil
	}
	for _, name := range []string{"samples", "count"} {
		if f := src.Lookup(name); f != nil && f.Kind == field.Uint && src.Array {
			return f.Number, nil
		}
	}
	return nil, nil
}

// stackParts returns what a stack is made of: what annotations specify, else the name
// of the process, its stack, and that of the kernel.
func stackParts(src *field.Source, purpose Purpose) ([]stackPart, error) {
	if parts, err := annotatedParts(src, purpose); len(parts) > 0 || err != nil {
		return parts, err
	}
	var comm, user, kernel []stackPart
	all := src.All()
	for _, f := range all {
		switch {
		case slices.Contains(f.Types, typeComm) && f.Kind == field.String && comm == nil:
			comm = []stackPart{{texts: []field.AppendFunc{f.Append}, whole: true}}
		case slices.Contains(f.Types, typeUserStack) && user == nil:
			if texts := userTexts(f); texts != nil {
				user = []stackPart{{texts: texts}}
			}
		case slices.Contains(f.Types, typeKernelStack) && kernel == nil:
			if text := kernelText(all, f); text != nil {
				kernel = []stackPart{{texts: []field.AppendFunc{text}}}
			}
		}
	}
	if user == nil && kernel == nil {
		return nil, nil
	}
	return slices.Concat(comm, user, kernel), nil
}

// annotatedParts returns the fields that annotations name, by the order that fits the
// purpose.
func annotatedParts(src *field.Source, purpose Purpose) ([]stackPart, error) {
	if purpose == ForExport || !slices.ContainsFunc(src.All(), hasLevel) {
		if parts, err := listedParts(src); len(parts) > 0 || err != nil {
			return parts, err
		}
	}
	return levelParts(src), nil
}

// listedParts returns the fields of profiles.stack-fields, which has the innermost
// first, as the text of a stack has.
func listedParts(src *field.Source) ([]stackPart, error) {
	list := src.Annotations[annotationStackFields]
	if list == "" {
		return nil, nil
	}
	var parts []stackPart
	for name := range strings.SplitSeq(list, ",") {
		f := src.Lookup(strings.TrimSpace(name))
		if f == nil || f.Column() == nil {
			return nil, fmt.Errorf("annotation %s: %w", annotationStackFields, src.Unknown(strings.TrimSpace(name)))
		}
		parts = append(parts, stackPart{[]field.AppendFunc{f.Column()}, f.Annotations[annotationFlameType] == "single"})
	}
	slices.Reverse(parts)
	return parts, nil
}

// levelParts returns the fields that have a flamegraph.level, by their levels.
func levelParts(src *field.Source) []stackPart {
	var fields []*field.Field
	for _, f := range src.All() {
		if hasLevel(f) {
			fields = append(fields, f)
		}
	}
	level := func(f *field.Field) int { n, _ := strconv.Atoi(f.Annotations[annotationFlameLevel]); return n }
	slices.SortStableFunc(fields, func(a, b *field.Field) int { return level(a) - level(b) })
	parts := make([]stackPart, len(fields))
	for i, f := range fields {
		kind := f.Annotations[annotationFlameType]
		parts[i] = stackPart{[]field.AppendFunc{f.Column()}, kind == "single" || kind == ""}
	}
	return parts
}

func hasLevel(f *field.Field) bool {
	return f.Annotations[annotationFlameLevel] != "" && f.Column() != nil
}

// userTexts returns the names of the functions of user stack f and, for a stack
// without names, their addresses.
func userTexts(f *field.Field) []field.AppendFunc {
	var out []field.AppendFunc
	for _, name := range []string{"symbols", "addresses"} {
		for _, c := range f.Children {
			if c.Name == name && c.Kind == field.String {
				out = append(out, c.Append)
			}
		}
	}
	return out
}

// kernelText returns the text of the kernel stack whose number f is: the field
// that was made of the same bytes.
func kernelText(all []*field.Field, f *field.Field) field.AppendFunc {
	for _, o := range all {
		if o.Offset == f.Offset && o.Parent == f.Parent && o.Kind == field.String {
			return o.Append
		}
	}
	return nil
}

// frames appends the frames of text, "inner; outer; ", the outermost first.
func (p stackPart) frames(dst []string, text string) []string {
	if p.whole {
		if text == "" {
			return dst
		}
		return append(dst, text)
	}
	start := len(dst)
	for name := range strings.SplitSeq(text, ";") {
		if name = strings.TrimSpace(name); name != "" {
			dst = append(dst, name)
		}
	}
	slices.Reverse(dst[start:])
	return dst
}
