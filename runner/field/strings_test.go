package field

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
)

func argsEvent() *btf.Struct {
	return pack("event", 20, member("size", 0, u32), member("args", 4, &btf.Array{Type: char, Nelems: 12}),
		member("other", 16, u32))
}

// TestStrings reads char arrays with NULs inside in every way that gadget.yaml can
// ask for.
func TestStrings(t *testing.T) {
	const rest = "..." // old bytes after what counts
	for _, tc := range []struct {
		form  string
		sized bool
		bytes string
		text  string
		list  []string
	}{
		{"", false, "cat\x00-n\x00a", "cat", nil},
		{"cut", false, "cat\x00-n\x00a", "cat", nil},
		{"all", false, "cat\x00-n\x00\x00a", "cat\x00-n\x00\x00a", nil},
		{"list", false, "cat\x00-n\x00\x00a", "cat -n  a", []string{"cat", "-n", "", "a"}},
		{"list", false, "cat\x00-n\x00\x00", "cat -n", []string{"cat", "-n"}},
		{"list", false, "", "", []string{}},
		{"list", false, "twelve bytes", "twelve bytes", []string{"twelve bytes"}},
		{"", true, "cat", "cat", nil},
		{"all", true, "a\x00", "a\x00", nil},
		{"list", true, "cat\x00-n\x00", "cat -n", []string{"cat", "-n"}},
		{"list", true, "cat\x00-n\x00\x00", "cat -n ", []string{"cat", "-n", ""}},
		{"list", true, "cat\x00-n", "cat -n", []string{"cat", "-n"}},
		{"list", true, "\x00", "", []string{""}},
		{"list", true, "", "", []string{}},
	} {
		annotations := map[string]string{}
		if tc.form != "" {
			annotations["ebpf.string"] = tc.form
		}
		sample := make([]byte, 20)
		n := copy(sample[4:16], tc.bytes)
		if tc.sized {
			annotations["ebpf.string.size"] = "size"
			sample[0] = byte(n)
			copy(sample[4+n:16], rest)
		}
		src, err := Build(argsEvent(), Options{Name: "x", Fields: map[string]map[string]string{"args": annotations}})
		if err != nil {
			t.Fatal(err)
		}
		f := src.Lookup("args")
		if got := string(f.Append(nil, sample)); got != tc.text {
			t.Errorf("%q of %q: got %q, want %q", tc.form, tc.bytes, got, tc.text)
		}
		if tc.list == nil {
			continue
		}
		got := []string{}
		for _, text := range f.List(sample) {
			got = append(got, string(text))
		}
		if d := cmp.Diff(tc.list, got); d != "" {
			t.Errorf("%q of %q, sized %t: (-want +got)\n%s", tc.form, tc.bytes, tc.sized, d)
		}
	}
}

// TestStringSizeBounded takes a size from outside that is larger than the array.
func TestStringSizeBounded(t *testing.T) {
	src, err := Build(argsEvent(), Options{Name: "x", Fields: map[string]map[string]string{
		"args": {"ebpf.string": "all", "ebpf.string.size": "size"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	sample := []byte("\xff\xff\xff\xfftwelve bytes....")
	if got := string(src.Lookup("args").Append(nil, sample)); got != "twelve bytes" {
		t.Errorf("got %q", got)
	}
}

func TestStringAnnotationsChecked(t *testing.T) {
	for field, tc := range map[string]struct{ key, value, want string }{
		"args":  {"ebpf.string.size", "sise", `annotation "ebpf.string.size" of field "args" names "sise", which is not a number of the event, did you mean "size"?`},
		"size":  {"ebpf.string", "list", `field "size" has the annotation "ebpf.string", which is for char arrays`},
		"other": {"ebpf.string.size", "size", `field "other" has the annotation "ebpf.string.size", which is for char arrays`},
	} {
		_, err := Build(argsEvent(), Options{Name: "x", Fields: map[string]map[string]string{field: {tc.key: tc.value}}})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("field %s: got %v, want %s", field, err, tc.want)
		}
	}
}
