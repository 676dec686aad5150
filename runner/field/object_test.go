package field

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/golden"
)

// fixtureObjects are objects whose events have fields of every kind.
var fixtureObjects = []string{
	"types.bpf.o", "open.bpf.o", "counts.bpf.o", "stacks.bpf.o", "packets.bpf.o", "owner.bpf.o", "maps.bpf.o",
	"hooks.bpf.o", "contained.bpf.o", "capture.bpf.o", "syscalls.bpf.o",
}

// TestEveryFieldOfObjects shows every field of real objects, whatever the bytes of
// the event are: all zero, all set, or any. What is not a text is valid JSON.
func TestEveryFieldOfObjects(t *testing.T) {
	for _, object := range fixtureObjects {
		t.Run(object, func(t *testing.T) {
			for _, desc := range objectSources(t, object) {
				src := New(desc, here())
				src.Finish()
				for _, fill := range []byte{0, 0xff, 0x5a, 0x81} {
					sample := bytes.Repeat([]byte{fill}, int(src.Size))
					for _, f := range src.All() {
						checkText(t, f, sample)
					}
				}
			}
		})
	}
}

func checkText(t *testing.T, f *Field, sample []byte) {
	t.Helper()
	if f.Kind == Struct {
		return
	}
	got := f.Append(nil, sample)
	if again := f.Append(nil, sample); !bytes.Equal(got, again) {
		t.Errorf("%s is shown as %q, and the next time as %q", f.FullName, got, again)
	}
	if f.Kind != String && f.Kind != List && !json.Valid(got) {
		t.Errorf("%s of kind %s is shown as %q, which is not JSON", f.FullName, f.Kind, got)
	}
	if f.Kind == String && bytes.IndexByte(got, 0) >= 0 {
		t.Errorf("%s is shown as %q, with what follows the end of the text", f.FullName, got)
	}
}

// TestFilterAndSortEveryFieldOfObjects compares each field of a real object with
// what it shows, and sorts by it.
func TestFilterAndSortEveryFieldOfObjects(t *testing.T) {
	src := objectSource(t, "types.bpf.o", here())
	sample := make([]byte, src.Size)
	put(t, src, sample, "proc.pid", uint32(42))
	put(t, src, sample, "wide", int64(-7))
	put(t, src, sample, "ratio", 0.25)
	for _, f := range src.All() {
		column := f.Column()
		if column == nil {
			continue
		}
		shown := string(column(nil, sample))
		match, err := Filter(src, []string{f.FullName + "==" + escapeCommas(shown)})
		if err != nil || !match(sample) {
			t.Errorf("filter %s==%s does not hold: %v", f.FullName, shown, err)
		}
		sort, err := Sorter(src, f.FullName)
		if err != nil {
			t.Errorf("sorting by %s: %v", f.FullName, err)
			continue
		}
		sort([][]byte{sample, sample})
	}
}

func escapeCommas(s string) string {
	return string(bytes.ReplaceAll([]byte(s), []byte(","), []byte(`\,`)))
}

// TestColumnsOfObject are what a user sees and what it is called, of every special
// type; golden, as documents show it.
func TestColumnsOfObject(t *testing.T) {
	var out bytes.Buffer
	for _, f := range objectSource(t, "types.bpf.o", Env{}).All() {
		out.WriteString(f.FullName)
		if f.Alias() != f.FullName {
			out.WriteString(" alias " + f.Alias())
		}
		out.WriteString(" " + f.Kind.String())
		if f.Hidden() {
			out.WriteString(" hidden")
		}
		if f.Time {
			out.WriteString(" time")
		}
		out.WriteString("\n")
	}
	golden.Check(t, "types.columns", out.Bytes())
}

// TestNames finds fields by full name, by alias and in any case, full names first.
func TestNames(t *testing.T) {
	src := build(t, pack("event", 16,
		member("pid", 0, u32), member("other", 4, u32), member("Other", 8, u32), member("third", 12, u32),
	), Options{Fields: map[string]map[string]string{
		"other": {AnnotationAlias: "pid"}, "third": {AnnotationAlias: "THE.third", AnnotationSkipJSON: "true"},
	}})
	for name, want := range map[string]string{
		"pid": "pid", "PID": "pid", "OTHER": "other", "the.THIRD": "third", "third": "third",
	} {
		if f := lookup(t, src, name); f.FullName != want {
			t.Errorf("%q finds %q, want %q", name, f.FullName, want)
		}
	}
	if f := src.Named("Other"); f == nil || f.FullName != "Other" {
		t.Errorf("the exact name finds %v", f)
	}
	if f := src.Named("PID"); f != nil {
		t.Errorf("a name in another case is exact: %v", f)
	}
	if third := lookup(t, src, "third"); !third.SkipJSON() || lookup(t, src, "pid").SkipJSON() {
		t.Error("JSON leaves out the wrong field")
	}
	const want = `data source "x" has no field "pidd", did you mean "pid"?`
	if err := src.Unknown("pidd"); err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestFieldsOfArrays are those of a map: a key, a value and what they consist of.
func TestFieldsOfArrays(t *testing.T) {
	descs := objectSources(t, "types.bpf.o")
	counts := New(descs[len(descs)-1], Env{})
	if counts.Name != "counts" || !counts.Array {
		t.Fatalf("data source %q, array %t, want the array counts", counts.Name, counts.Array)
	}
	sample := make([]byte, counts.Size)
	put(t, counts, sample, "count", uint64(9))
	put(t, counts, sample, "id", uint32(3))
	if got := text(t, counts, "count", sample) + " " + text(t, counts, "id", sample); got != "9 3" {
		t.Errorf("the entry is shown as %s, want 9 3", got)
	}
	if typ := descs[0].Kind; typ != gadgetapi.Tracer {
		t.Errorf("the first data source is a %s, want single events", typ)
	}
	if _, err := Build(&btf.Struct{Name: "e", Size: 1 << 30}, Options{Name: "x"}); err == nil {
		t.Error("an event of a gigabyte was accepted")
	}
}
