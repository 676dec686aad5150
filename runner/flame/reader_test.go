package flame

import (
	"slices"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/runner/field"
)

// textField is a field that shows a part of the sample, which has its parts between bars.
func textField(name string, part int, types ...string) *field.Field {
	return &field.Field{
		Name: name, FullName: name, Kind: field.String, Types: types, Annotations: map[string]string{},
		Append: func(dst, sample []byte) []byte { return append(dst, partOf(sample, part)...) },
	}
}

func partOf(sample []byte, part int) string {
	parts := strings.Split(string(sample), "|")
	if part >= len(parts) {
		return ""
	}
	return parts[part]
}

// countField is a number: how many bytes a part has.
func countField(name string, part int) *field.Field {
	return &field.Field{
		Name: name, FullName: name, Kind: field.Uint, Annotations: map[string]string{},
		Append: func(dst, _ []byte) []byte { return dst },
		Number: func(sample []byte) uint64 { return uint64(len(partOf(sample, part))) },
	}
}

// stackFields are those that a sampler has: a name, a user stack with names and
// addresses, a kernel stack with its number before it.
func stackFields() []*field.Field {
	user := &field.Field{Name: "ustack", FullName: "ustack", Kind: field.Struct, Types: []string{typeUserStack}, Offset: 8}
	for i, name := range []string{"symbols", "addresses"} {
		c := textField(name, 1+i)
		c.FullName, c.Parent = "ustack."+name, user
		user.Children = append(user.Children, c)
	}
	number := countField("kstack_raw", 3)
	number.Offset, number.Types = 16, []string{typeKernelStack}
	kernel := textField("kstack", 3)
	kernel.Offset = 16
	return []*field.Field{textField("comm", 0, typeComm), user, number, kernel}
}

func read(t *testing.T, src *field.Source, purpose Purpose, sample string) (string, uint64) {
	t.Helper()
	r, err := NewReader(src, purpose)
	if err != nil {
		t.Fatal(err)
	}
	if r == nil {
		t.Fatal("the reader is nil")
	}
	frames, weight := r.Read([]byte(sample))
	return strings.Join(frames, " "), weight
}

// TestReadStacks: the name of the process is outermost, then its functions, then those of
// the kernel.
func TestReadStacks(t *testing.T) {
	for name, tc := range map[string]struct {
		fields []*field.Field
		sample string
		want   string
	}{
		"all": {
			stackFields(), "sh|write; main; |0x2; 0x1; |vfs_write; sys_write; ", "sh main write sys_write vfs_write",
		},
		"without names":     {stackFields(), "sh||0x2; 0x1; |sys_write", "sh 0x1 0x2 sys_write"},
		"without a kernel":  {stackFields(), "sh|write; main|", "sh main write"},
		"kernel alone":      {stackFields(), "sh|||sys_read", "sh sys_read"},
		"no process":        {stackFields()[1:], "sh|main|", "main"},
		"no user stack":     {slices.Delete(stackFields(), 1, 2), "sh|main||sys_read", "sh sys_read"},
		"a name with a ';'": {stackFields(), "a;b|main|", "a;b main"},
		"an unnamed one":    {stackFields(), "|main|", "main"},
		"empty":             {stackFields(), "", ""},
	} {
		if got, weight := read(t, &field.Source{Fields: tc.fields}, ForGraph, tc.sample); got != tc.want || weight != 1 {
			t.Errorf("%s: %q counts %d, want %q", name, got, weight, tc.want)
		}
	}
	for name, fields := range map[string][]*field.Field{
		"no fields": nil, "a name alone": {textField("comm", 0, typeComm)}, "a text": {textField("path", 0)},
		"a number of a stack without its text": {stackFields()[2]},
	} {
		if r, err := NewReader(&field.Source{Fields: fields}, ForGraph); r != nil || err != nil {
			t.Errorf("%s has stacks: %v", name, err)
		}
	}
}

// TestReadTwice: what one event had is not in the next.
func TestReadTwice(t *testing.T) {
	r, err := NewReader(&field.Source{Fields: stackFields()}, ForGraph)
	if err != nil {
		t.Fatal(err)
	}
	for sample, want := range map[string]int{"sh|a; b; c|": 4, "sh|a|": 2, "": 0} {
		if frames, _ := r.Read([]byte(sample)); len(frames) != want {
			t.Errorf("%q has %q, want %d frames", sample, frames, want)
		}
	}
}

func annotated(fields []*field.Field, annotations map[string]string) *field.Source {
	return &field.Source{Fields: fields, Annotations: annotations}
}

// TestStackWeights: samples count 1, entries of maps what they were counted, and the
// annotation names another field.
func TestStackWeights(t *testing.T) {
	with := func(name string) []*field.Field { return append(stackFields(), countField(name, 4)) }
	const sample = "sh|main|||12345"
	for name, tc := range map[string]struct {
		src  *field.Source
		want uint64
	}{
		"an event":            {annotated(with("count"), nil), 1},
		"an entry":            {&field.Source{Fields: with("count"), Array: true}, 5},
		"an entry of samples": {&field.Source{Fields: with("samples"), Array: true}, 5},
		"another number":      {&field.Source{Fields: with("size"), Array: true}, 1},
		"annotated":           {annotated(with("size"), map[string]string{annotationValueField: "size"}), 5},
	} {
		if _, weight := read(t, tc.src, ForGraph, sample); weight != tc.want {
			t.Errorf("%s counts %d, want %d", name, weight, tc.want)
		}
	}
	float := countField("share", 4)
	float.Kind = field.Float
	for name, tc := range map[string]struct{ field, want string }{
		"an absent field": {"sice", "annotation profiles.value-field: "},
		"a text":          {"comm", `annotation profiles.value-field: field "comm" is not a whole number`},
		"a float":         {"share", `annotation profiles.value-field: field "share" is not a whole number`},
	} {
		src := annotated(append(with("size"), float), map[string]string{annotationValueField: tc.field})
		if _, err := NewReader(src, ForGraph); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}

func TestUnits(t *testing.T) {
	for name, tc := range map[string]struct {
		annotations map[string]string
		want        Unit
		text        string
	}{
		"none": {nil, Unit{"samples", "count"}, "samples"},
		"type": {map[string]string{annotationProfileType: "faults"}, Unit{"faults", "count"}, "faults"},
		"both": {
			map[string]string{annotationProfileType: "cpu", annotationProfileUnit: "nanoseconds"},
			Unit{"cpu", "nanoseconds"},
			"nanoseconds",
		},
	} {
		r, err := NewReader(annotated(stackFields(), tc.annotations), ForExport)
		if err != nil || r.Unit != tc.want || r.Unit.text() != tc.text {
			t.Errorf("%s: %+v, %v, want %+v", name, r, err, tc.want)
		}
	}
}

// TestAnnotatedStacks: annotations specify what a stack is made of, those of the graph and those
// of the export each where they are for.
func TestAnnotatedStacks(t *testing.T) {
	list := map[string]string{annotationStackFields: "kstack, ustack.symbols,comm"}
	leveled := func() []*field.Field {
		fields := append(stackFields(), textField("pod", 4))
		fields[0].Annotations[annotationFlameLevel] = "2"
		fields[4].Annotations[annotationFlameLevel] = "1"
		fields[3].Annotations = map[string]string{annotationFlameLevel: "3", annotationFlameType: "stack"}
		return fields
	}
	single := stackFields()
	single[0].Annotations[annotationFlameType] = "single"
	const sample = "a;b|write; main||sys_write|web"
	for name, tc := range map[string]struct {
		src     *field.Source
		purpose Purpose
		want    string
	}{
		"listed":                 {annotated(stackFields(), list), ForGraph, "b a main write sys_write"},
		"listed, a single frame": {annotated(single, list), ForExport, "a;b main write sys_write"},
		"levels":                 {annotated(leveled(), nil), ForGraph, "web a;b sys_write"},
		"levels for the export":  {annotated(leveled(), nil), ForExport, "web a;b sys_write"},
		"both, for the graph":    {annotated(leveled(), list), ForGraph, "web a;b sys_write"},
		"both, for the export":   {annotated(leveled(), list), ForExport, "b a main write sys_write"},
	} {
		if got, _ := read(t, tc.src, tc.purpose, sample); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	for _, name := range []string{"absent", "ustack", ""} {
		src := annotated(stackFields(), map[string]string{annotationStackFields: "comm," + name})
		_, err := NewReader(src, ForExport)
		if err == nil || !strings.HasPrefix(err.Error(), "annotation profiles.stack-fields: ") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
