package output

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/flame"
)

// The annotations that say what a profile is made of.
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

// stackPart adds frames to a stack: one for the value of a field, or those of a
// text with the innermost frame first. Of several texts the first that has
// something counts.
type stackPart struct {
	texts []field.AppendFunc
	whole bool // the text is one frame
}

// stacks adds up the stacks of events, and writes them when the run ends.
type stacks struct {
	mode    Mode
	title   string
	parts   []stackPart // the outermost first
	weight  field.NumberFunc
	unit    flame.Unit
	profile flame.Profile
	start   time.Time
	text    []byte   // reused
	frames  []string // reused
}

func newStacks(src *field.Source, mode Mode) (*stacks, error) {
	s := &stacks{mode: mode, title: src.Name, start: time.Now()}
	var err error
	if s.parts, err = stackParts(src); err != nil {
		return nil, err
	}
	if len(s.parts) == 0 {
		return nil, fmt.Errorf("data source %q has no stacks, which mode %q needs", src.Name, mode)
	}
	s.unit = flame.Unit{Type: "samples", Unit: "count"}
	if t := src.Annotations[annotationProfileType]; t != "" {
		s.unit.Type = t
	}
	if u := src.Annotations[annotationProfileUnit]; u != "" {
		s.unit.Unit = u
	}
	s.weight, err = stackWeight(src)
	return s, err
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

// stackParts returns what a stack is made of: what annotations say, else the name
// of the process, its stack, and that of the kernel.
func stackParts(src *field.Source) ([]stackPart, error) {
	if parts, err := annotatedParts(src); len(parts) > 0 || err != nil {
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

// annotatedParts returns the fields of profiles.stack-fields, or those that have
// a flamegraph.level by their levels.
func annotatedParts(src *field.Source) ([]stackPart, error) {
	var fields []*field.Field
	if list := src.Annotations[annotationStackFields]; list != "" {
		for name := range strings.SplitSeq(list, ",") {
			f := src.Lookup(strings.TrimSpace(name))
			if f == nil || f.Column() == nil {
				return nil, fmt.Errorf("annotation %s: %w", annotationStackFields, src.Unknown(strings.TrimSpace(name)))
			}
			fields = append(fields, f)
		}
	} else {
		level := func(f *field.Field) int { n, _ := strconv.Atoi(f.Annotations[annotationFlameLevel]); return n }
		for _, f := range src.All() {
			if f.Annotations[annotationFlameLevel] != "" && f.Column() != nil {
				fields = append(fields, f)
			}
		}
		slices.SortStableFunc(fields, func(a, b *field.Field) int { return level(a) - level(b) })
	}
	parts := make([]stackPart, len(fields))
	for i, f := range fields {
		whole := f.Annotations[annotationFlameType] == "single" ||
			f.Annotations[annotationFlameType] == "" && src.Annotations[annotationStackFields] == ""
		parts[i] = stackPart{texts: []field.AppendFunc{f.Column()}, whole: whole}
	}
	return parts, nil
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

func (s *stacks) Header(dst []byte) []byte { return dst }

func (s *stacks) Event(dst, sample []byte) []byte {
	s.add(sample)
	return dst
}

func (s *stacks) Array(dst []byte, samples [][]byte) []byte {
	for _, sample := range samples {
		s.add(sample)
	}
	return dst
}

func (s *stacks) add(sample []byte) {
	s.frames = s.frames[:0]
	for _, p := range s.parts {
		s.text = s.text[:0]
		for _, text := range p.texts {
			if s.text = text(s.text[:0], sample); len(s.text) > 0 {
				break
			}
		}
		s.frames = p.frames(s.frames, string(s.text))
	}
	weight := uint64(1)
	if s.weight != nil {
		weight = s.weight(sample)
	}
	s.profile.Add(s.frames, weight)
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

// Finish implements Finisher.
func (s *stacks) Finish(dst []byte) []byte {
	switch s.mode {
	case Pprof:
		return s.profile.Pprof(dst, s.unit, s.start, time.Now())
	case FlameGraph:
		return s.profile.HTML(dst, s.title, s.unit)
	}
	return s.profile.Folded(dst)
}
