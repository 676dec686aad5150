package output

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/rules-gadget/rules_gadget/internal/printable"
	"github.com/rules-gadget/rules_gadget/runner/field"
)

// source has a name of 40 bytes, a number, and a nested struct of one hidden
// and one plain number.
func source(tb testing.TB, annotations map[string]map[string]string) *field.Source {
	tb.Helper()
	char := &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}
	u32 := &btf.Int{Name: "unsigned int", Size: 4}
	inner := &btf.Struct{Name: "inner", Size: 8, Members: []btf.Member{
		{Name: "a", Type: u32}, {Name: "b", Type: u32, Offset: 32},
	}}
	src, err := field.Build(&btf.Struct{Name: "event", Size: 52, Members: []btf.Member{
		{Name: "name", Type: &btf.Array{Type: char, Nelems: 40}},
		{Name: "count", Type: u32, Offset: 320},
		{Name: "inner", Type: inner, Offset: 352},
	}}, field.Options{Name: "src", Fields: annotations})
	if err != nil {
		tb.Fatal(err)
	}
	return src
}

func sample(name string) []byte {
	s := make([]byte, 52)
	copy(s[:40], name)
	s[40], s[44], s[48] = 7, 1, 2
	return s
}

func encode(tb testing.TB, src *field.Source, o Options, s []byte) string {
	tb.Helper()
	enc, err := New(src, o)
	if err != nil {
		tb.Fatal(err)
	}
	return string(enc.Event(enc.Header(nil), s))
}

func TestColumns(t *testing.T) {
	hide := map[string]map[string]string{"inner.a": {"columns.hidden": "true"}}
	for _, tc := range []struct {
		name string
		ann  map[string]map[string]string
		opts Options
		in   string
		want string
	}{
		{"default", hide, Options{}, "abc", "NAME             COUNT      INNER.B\nabc              7          2\n"},
		{"exact", hide, Options{Fields: "inner.a, name"}, "abc", "INNER.A    NAME\n1          abc\n"},
		{
			"added", hide,
			Options{Fields: "+inner.a,-count"},
			"abc",
			"NAME             INNER.A    INNER.B\nabc              1          2\n",
		},
		{
			"ellipsis at the end", nil,
			Options{Fields: "name", Width: 16},
			"0123456789abcdefXYZ",
			"NAME\n0123456789abcde…\n",
		},
		{
			"no terminal", nil,
			Options{Fields: "name,count"},
			"0123456789abcdefXYZ",
			"NAME             COUNT\n0123456789abcdefXYZ 7\n",
		},
		{
			"ellipsis in the middle",
			map[string]map[string]string{"name": {"columns.ellipsis": "middle", "columns.width": "8"}},
			Options{Fields: "name", Width: 8},
			"0123456789", "NAME\n0123…789\n",
		},
		{
			"ellipsis at the start",
			map[string]map[string]string{"name": {"columns.ellipsis": "start", "columns.width": "8"}},
			Options{Fields: "name", Width: 8},
			"0123456789", "NAME\n…3456789\n",
		},
		{
			"no ellipsis",
			map[string]map[string]string{"name": {"columns.ellipsis": "none", "columns.width": "8"}},
			Options{Fields: "name", Width: 8},
			"0123456789", "NAME\n01234567\n",
		},
		{
			"a whole time",
			map[string]map[string]string{"name": {"template": "timestamp", "columns.width": "18"}},
			Options{Fields: "name", Width: 18},
			"2026-11-26T06:34Z", "NAME\n2026-11-26T06:34Z\n",
		},
		{
			"a time without its date",
			map[string]map[string]string{"name": {"template": "timestamp", "columns.width": "12"}},
			Options{Fields: "name", Width: 12},
			"2026-11-26T06:34:26Z", "NAME\n…06:34:26Z\n",
		},
		{
			"a time without date and end",
			map[string]map[string]string{"name": {"template": "timestamp", "columns.width": "9"}},
			Options{Fields: "name", Width: 9},
			"2026-11-26T06:34:26Z", "NAME\n06:34:26…\n",
		},
		{
			"right, hexadecimal, alias",
			map[string]map[string]string{"count": {
				"columns.alignment": "right", "columns.hex": "true", "columns.alias": "n", "columns.width": "6",
			}},
			Options{Fields: "n,name"},
			"x", "     N NAME\n   0x7 x\n",
		},
		{
			"escapes", nil, Options{Fields: "name,count"}, "a\x1b[2Jb\n\xff", "NAME             COUNT\na\\x1b[2Jb\\x0a\\xff 7\n",
		},
		{
			"wide terminal", nil,
			Options{Fields: "name,count", Width: 40},
			strings.Repeat("x", 29),
			"NAME                          COUNT\n" + strings.Repeat("x", 29) + " 7\n",
		},
		{"narrow terminal", nil, Options{Fields: "name,count", Width: 12}, "abcdefghij", "NAME   COUNT\nabcde… 7\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.opts.Mode = Columns
			if diff := cmp.Diff(tc.want, encode(t, source(t, tc.ann), tc.opts, sample(tc.in))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestColumnAnnotations holds the limits of columns, and the decimals of numbers.
// TestReplacedColumn: a column may show the value of another field under its own title.
func TestReplacedColumn(t *testing.T) {
	char := &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}
	members := []btf.Member{
		{Name: "code", Type: &btf.Int{Name: "unsigned long", Size: 8}},
		{Name: "text", Type: &btf.Array{Type: char, Nelems: 8}, Offset: 64},
	}
	s := append(binary.NativeEndian.AppendUint64(nil, 7), "seven\x00\x00\x00"...)
	src := build(t, members, field.Options{Fields: map[string]map[string]string{
		"code": {"columns.replace": "text", "columns.width": "8"}, "text": {"columns.hidden": "true"},
	}})
	if got := encode(t, src, Options{Mode: Columns}, s); got != "CODE\nseven\n" {
		t.Errorf("got %q", got)
	}
	if got := encode(t, src, Options{Mode: JSON}, s); got != `{"code":7,"text":"seven"}`+"\n" {
		t.Errorf("got %q", got)
	}
	src = build(t, members, field.Options{Fields: map[string]map[string]string{"code": {"columns.replace": "txt"}}})
	if _, err := New(src, Options{Mode: Columns}); err == nil || !strings.Contains(err.Error(), `did you mean "text"`) {
		t.Errorf("got %v", err)
	}
}

func TestColumnAnnotations(t *testing.T) {
	char := &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}
	members := []btf.Member{
		{Name: "ratio", Type: &btf.Float{Name: "double", Size: 8}},
		{Name: "text", Type: &btf.Array{Type: char, Nelems: 24}, Offset: 64},
		{Name: "more", Type: &btf.Array{Type: char, Nelems: 24}, Offset: 256},
	}
	s := binary.NativeEndian.AppendUint64(nil, math.Float64bits(2.0/3))
	s = append(s, "abcdefghijklmnopqrstuvwx"+"ABCDEFGHIJKLMNOPQRSTUVWX"...)
	for _, tc := range []struct {
		annotations map[string]map[string]string
		fields      string
		width       int
		want        string
	}{
		{
			map[string]map[string]string{"ratio": {"columns.precision": "2", "columns.width": "5"}},
			"ratio,text", 0,
			"RATIO TEXT\n0.67  abcdefghijklmnopqrstuvwx\n",
		},
		{
			map[string]map[string]string{"text": {"columns.maxwidth": "6"}},
			"text,more", 31,
			"TEXT   MORE\nabcde… ABCDEFGHIJKLMNOPQRSTUVWX\n",
		},
		{
			map[string]map[string]string{"text": {"columns.minwidth": "12"}},
			"text,more", 17,
			"TEXT         MORE\nabcdefghijk… ABC…\n",
		},
		{
			map[string]map[string]string{"text": {"columns.width": "8", "columns.fixed": "true"}},
			"text,more", 40,
			"TEXT     MORE\nabcdefg… ABCDEFGHIJKLMNOPQRSTUVWX\n",
		},
	} {
		src := build(t, members, field.Options{Fields: tc.annotations})
		got := encode(t, src, Options{Mode: Columns, Fields: tc.fields, Width: tc.width}, s)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tc.annotations, diff)
		}
	}
}

func TestWidthsFit(t *testing.T) {
	for _, total := range []int{1, 10, 17, 30, 31, 32, 79, 80, 200, 1000} {
		cols := []column{
			{width: 16, min: 4, max: 16}, {width: 7, min: 7, max: 10}, {width: 32, min: 10}, {width: 5, fixed: true},
		}
		fitWidths(cols, total)
		sum := len(cols) - 1
		for _, c := range cols {
			sum += c.width
			if c.width < c.min || c.max > 0 && c.width > c.max || c.fixed && c.width != 5 {
				t.Errorf("%d characters: a column has width %d, outside its limits", total, c.width)
			}
		}
		if least := 3 + 4 + 7 + 10 + 5; sum != max(total, least) {
			t.Errorf("%d characters: the line has %d", total, sum)
		}
	}
}

func TestOptionsRefused(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		ann        map[string]map[string]string
		opts       Options
	}{
		{"unknown field", `has no field "nothing"`, nil, Options{Mode: JSON, Fields: "nothing"}},
		{"mixed", "cannot be mixed", nil, Options{Mode: Columns, Fields: "name,+count"}},
		{"struct as column", "name one of its fields: inner.a, inner.b", nil, Options{Mode: Columns, Fields: "inner"}},
		{"nothing left", "no columns", nil, Options{Mode: Columns, Fields: "-name,-count,-inner.a,-inner.b"}},
		{"mode", "unknown output mode", nil, Options{Mode: "xml"}},
		{"width", "not a width", map[string]map[string]string{"name": {"columns.width": "wide"}}, Options{Mode: Columns}},
		{
			"ellipsis", "not start, middle, end",
			map[string]map[string]string{"name": {"columns.ellipsis": "x"}},
			Options{Mode: Columns},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := New(source(t, tc.ann), tc.opts); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}

func TestTrees(t *testing.T) {
	src := source(t, map[string]map[string]string{"count": {"json.skip": "true"}, "inner.a": {"columns.hidden": "true"}})
	for _, tc := range []struct {
		name string
		opts Options
		want string
	}{
		{"all", Options{Mode: JSON}, `{"inner":{"a":1,"b":2},"name":"a\"b"}` + "\n"},
		{"exact", Options{Mode: JSON, Fields: "count,inner.b"}, `{"count":7,"inner":{"b":2}}` + "\n"},
		{"struct", Options{Mode: JSON, Fields: "inner"}, `{"inner":{"a":1,"b":2}}` + "\n"},
		{"less", Options{Mode: JSON, Fields: "-inner,+count"}, `{"count":7,"name":"a\"b"}` + "\n"},
		{"pretty", Options{Mode: JSONPretty, Fields: "inner.b"}, "{\n  \"inner\": {\n    \"b\": 2\n  }\n}\n"},
		{"yaml", Options{Mode: YAML}, "---\ninner:\n  a: 1\n  b: 2\nname: \"a\\\"b\"\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, encode(t, src, tc.opts, sample(`a"b`))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestArrays(t *testing.T) {
	src := source(t, map[string]map[string]string{"inner.a": {"columns.hidden": "true"}})
	src.Array = true
	two := [][]byte{sample("x"), sample("z")}
	for _, tc := range []struct {
		opts Options
		in   [][]byte
		want string
	}{
		{Options{Mode: JSON, Fields: "name"}, two, `[{"name":"x"},{"name":"z"}]` + "\n"},
		{Options{Mode: JSON, Fields: "name"}, nil, "[]\n"},
		{Options{Mode: JSONPretty, Fields: "inner.b"}, two[:1], "[\n  {\n    \"inner\": {\n      \"b\": 2\n    }\n  }\n]\n"},
		{
			Options{Mode: YAML, Fields: "inner.b,name"},
			two,
			"---\n- inner:\n    b: 2\n  name: x\n- inner:\n    b: 2\n  name: z\n",
		},
		{Options{Mode: YAML, Fields: "name"}, nil, "--- []\n"},
		{
			Options{Mode: Columns, Fields: "name,count"},
			two,
			"NAME             COUNT\nx                7\nz                7\n",
		},
	} {
		enc, err := New(src, tc.opts)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, string(enc.Array(enc.Header(nil), tc.in))); diff != "" {
			t.Errorf("%s of %d entries (-want +got):\n%s", tc.opts.Mode, len(tc.in), diff)
		}
		var v []map[string]any
		if tc.opts.Mode == YAML {
			if err := yaml.Unmarshal(enc.Array(nil, tc.in), &v); err != nil || len(v) != len(tc.in) {
				t.Errorf("no YAML list of %d: %v", len(tc.in), err)
			}
		}
	}
}

// TestStringsSurvive compares with the encoders of other libraries.
func TestStringsSurvive(t *testing.T) {
	src := source(t, nil)
	for _, in := range []string{
		"plain", "", "true", "No", "-1", "1.5", "~", "a: b", "# x", "tab\tx", "quote\"x", "back\\slash", "ünïcödé", "\u2028",
		"a\x7fb", "- x", "null", "0x10",
	} {
		var fromJSON, fromYAML struct {
			Name string `json:"name" yaml:"name"`
		}
		if err := json.Unmarshal([]byte(encode(t, src, Options{Mode: JSON}, sample(in))), &fromJSON); err != nil ||
			fromJSON.Name != in {
			t.Errorf("%q comes back from JSON as %q (%v)", in, fromJSON.Name, err)
		}
		if err := yaml.Unmarshal([]byte(encode(t, src, Options{Mode: YAML}, sample(in))), &fromYAML); err != nil ||
			fromYAML.Name != in {
			t.Errorf("%q comes back from YAML as %q (%v)", in, fromYAML.Name, err)
		}
	}
}

// TestLists shows a char array with several texts in every form.
func TestLists(t *testing.T) {
	src := source(t, map[string]map[string]string{"name": {"ebpf.string": "list", "columns.width": "20"}})
	const args = "cat\x00a b\x00\x00\"q\x1b"
	for mode, want := range map[Mode]string{
		JSON: `"name":["cat","a b","","\"q\u001b"]}`,
		YAML: "\nname: [\"cat\",\"a b\",\"\",\"\\\"q\\u001b\"]\n",
		Raw:  "cat a b  \"q\x1b\t",
	} {
		if got := encode(t, src, Options{Mode: mode}, sample(args)); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", mode, got, want)
		}
	}
	if got := encode(t, src, Options{Mode: Columns}, sample(args)); !strings.Contains(got, "cat a b  \"q") ||
		strings.Contains(got, "\x1b") {
		t.Errorf("columns: got %q", got)
	}
	var fromYAML struct {
		Name []string `yaml:"name"`
	}
	err := yaml.Unmarshal([]byte(encode(t, src, Options{Mode: YAML}, sample(args))), &fromYAML)
	if err != nil || strings.Join(fromYAML.Name, "\x00") != args {
		t.Errorf("comes back from YAML as %q (%v)", fromYAML.Name, err)
	}
}

// TestEveryRune reads every character back from JSON and YAML, and finds none in
// them that a terminal or another parser acts on.
func TestEveryRune(t *testing.T) {
	var in []rune
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if utf8.ValidRune(r) && (r < 0x3000 || r&0xff > 0xf0 || r > 0xd000 && r < 0x10100 || r > 0xe0000) {
			in = append(in, r)
		}
	}
	text := string(in)
	quoted := string(appendString(nil, []byte(text)))
	if i := strings.IndexFunc(quoted, func(r rune) bool { return !printable.Rune(r) }); i >= 0 {
		t.Errorf("%q is not escaped", quoted[i:i+8])
	}
	var back string
	if err := json.Unmarshal([]byte(quoted), &back); err != nil || back != text {
		t.Errorf("from JSON comes something else (%v)", err)
	}
	for _, r := range in {
		var back string
		one := appendYAMLString(nil, []byte(string(r)))
		if err := yaml.Unmarshal(one, &back); err != nil || back != string(r) {
			t.Fatalf("%U comes back from YAML as %q (%v)", r, back, err)
		}
	}
}

func FuzzStrings(f *testing.F) {
	f.Add([]byte("a\xff\"\\\n\u2028"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if b := appendString(nil, data); !json.Valid(b) {
			t.Errorf("no JSON string: %q", b)
		}
		text, _ := printable.Append(nil, data)
		if bytes.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
			t.Errorf("control characters: %q", text)
		}
	})
}

// blocked is a writer that waits until it is released.
type blocked struct {
	release chan struct{}
	mu      sync.Mutex
	data    []byte
}

func (b *blocked) Write(p []byte) (int, error) {
	<-b.release
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data = append(b.data, p...)
	return len(p), nil
}

func TestSinkWritesInOrder(t *testing.T) {
	w := &blocked{release: make(chan struct{})}
	close(w.release)
	s := NewSink(w, nil)
	var want []byte
	for i := range 1000 {
		line := []byte{byte('a' + i%26), '\n'}
		want = append(want, line...)
		s.Append(0, 1, func(dst []byte) []byte { return append(dst, line...) })
	}
	if err := s.Close(time.Minute); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(w.data, want) || s.Unwritten() != 0 {
		t.Errorf("wrote %d bytes, want %d; %d unwritten", len(w.data), len(want), s.Unwritten())
	}
}

func TestSinkDoesNotWaitForABlockedReader(t *testing.T) {
	w := &blocked{release: make(chan struct{})}
	defer close(w.release)
	s := NewSink(w, nil)
	big := make([]byte, maxPending)
	appended := make(chan struct{})
	go func() {
		for range 3 { // one is being written, one is pending, one waits
			s.Append(0, 1, func(dst []byte) []byte { return append(dst, big...) })
		}
		close(appended)
	}()
	time.Sleep(50 * time.Millisecond)
	if err := s.Close(10 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	select {
	case <-appended:
	case <-time.After(10 * time.Second):
		t.Fatal("an append waits although the sink is closed")
	}
	if s.Unwritten() == 0 {
		t.Error("what the reader did not take is not counted")
	}
}

func TestSinkReportsErrors(t *testing.T) {
	r, w := io.Pipe()
	r.Close()
	reported := make(chan error, 1)
	s := NewSink(w, func(err error) { reported <- err })
	s.Append(0, 1, func(dst []byte) []byte { return append(dst, 'x') })
	if err := <-reported; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
	s.Append(0, 1, func(dst []byte) []byte { return append(dst, 'y') })
	if err := s.Close(time.Minute); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("closing: %v", err)
	}
}

// TestNarrowTime holds that the time of day is what a narrow terminal shows.
func TestNarrowTime(t *testing.T) {
	enc, err := New(packets(t), Options{Mode: Columns, Fields: "timestamp,ifindex", Width: 24})
	if err != nil {
		t.Fatal(err)
	}
	at := uint64(1771000000123456789)
	if got := string(enc.Event(nil, packet(at, 3, 0, 0, ""))); got != "16:26:40.123456… 3\n" {
		t.Errorf("got %q", got)
	}
}
