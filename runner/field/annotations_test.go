package field

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// TestAnnotationsOfFormatters names the text of a value by the annotation of its
// formatter, for every special type that has one and for enums.
func TestAnnotationsOfFormatters(t *testing.T) {
	color := &btf.Enum{Name: "color_set", Size: 8, Values: []btf.EnumValue{
		{Name: "RED", Value: 1}, {Name: "GREEN", Value: 2}, {Name: "BLUE", Value: 4},
	}}
	named := func(name string) btf.Type { return typedef(name, u64) }
	name := func(uint32) string { return "alice" }
	env := Env{Boot: time.Unix(0, 0), Users: name, Groups: name}
	for _, tc := range []struct {
		target string
		typ    btf.Type
		value  uint64
		want   string
		more   map[string]string
	}{
		{"formatters.timestamp.target", named(gadgetapi.TypeTimestamp), 61e9, "1970-01-01T00:01:01.000000000Z", nil},
		{
			"formatters.timestamp.target", named(gadgetapi.TypeTimestamp), 61e9, "00:01",
			map[string]string{"formatters.timestamp.format": "15:04"},
		},
		{"formatters.duration.target", named(gadgetapi.TypeDuration), 12, "12ns", nil},
		{"formatters.errno.target", named(gadgetapi.TypeErrno), 2, "ENOENT", nil},
		{"formatters.signal.target", named(gadgetapi.TypeSignal), 9, "SIGKILL", nil},
		{"formatters.syscall.target", named(gadgetapi.TypeSyscall), 1 << 40, "SYS_UNKNOWN", nil},
		{"formatters.file_mode.target", named(gadgetapi.TypeFileMode), 0o644, "-rw-r--r--", nil},
		{"formatters.file_flags.target", named(gadgetapi.TypeFileFlags), 1, "O_WRONLY", nil},
		{"formatters.bytes.target", named(gadgetapi.TypeBytes), 1500, "1.5 kB", nil},
		{"uidgidresolver.target", named(gadgetapi.TypeUID), 7, "alice", nil},
		{"uidgidresolver.target", named(gadgetapi.TypeGID), 7, "alice", nil},
		{"ebpf.formatter.enum", color, 2, "GREEN", nil},
		{"ebpf.formatter.enum", color, 6, "GREEN/BLUE", map[string]string{"ebpf.formatter.bitfield.separator": "/"}},
	} {
		t.Run(tc.target, func(t *testing.T) {
			annotations := map[string]string{tc.target: "text"}
			for k, v := range tc.more {
				annotations[k] = v
			}
			src, err := Build(pack("event", 8, member("value", 0, tc.typ)), Options{
				Name: "x", Env: env, Fields: map[string]map[string]string{"value": annotations},
			})
			if err != nil {
				t.Fatal(err)
			}
			f := src.Lookup("text")
			if f == nil {
				t.Fatalf("no field %q next to %q", "text", names(src.All()))
			}
			if got := string(f.Append(nil, binary.NativeEndian.AppendUint64(nil, tc.value))); got != tc.want {
				t.Errorf("%d: got %q, want %q", tc.value, got, tc.want)
			}
		})
	}
	src, err := Build(pack("event", 8, member("value", 0, named(gadgetapi.TypeKernelStack))), Options{
		Name: "x", Fields: map[string]map[string]string{"value": {"ebpf.formatter.kstack": "text"}},
	})
	if err != nil || src.Lookup("text") == nil {
		t.Errorf("the text of a kernel stack: %v", err)
	}
}

// TestTemplateOfField starts from a set of annotations, which those of the field
// itself replace.
func TestTemplateOfField(t *testing.T) {
	src, err := Build(pack("event", 8, member("value", 0, u64)), Options{
		Name: "x", Fields: map[string]map[string]string{"value": {"template": "ppid", "columns.minwidth": "3"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f := src.Lookup("value")
	text, width := f.Annotations[gadgetapi.AnnotationDescription], f.Annotations["columns.minwidth"]
	if !f.Hidden() || text != "Process id of the parent" || width != "3" {
		t.Errorf("annotations %v", f.Annotations)
	}
}

// TestFieldsOfEnvironment shows a variable of the environment with each event.
func TestFieldsOfEnvironment(t *testing.T) {
	t.Setenv("GADGET_TEST_PLACE", "here")
	src, err := Build(pack("event", 8, member("value", 0, u64)), Options{
		Name: "x", Annotations: map[string]string{"env.fields.place": "GADGET_TEST_PLACE"},
	})
	if err != nil {
		t.Fatal(err)
	}
	f := src.Lookup("place")
	if f == nil {
		t.Fatalf("fields %q", names(src.All()))
	}
	if got := string(f.Append(nil, make([]byte, 8))); got != "here" {
		t.Errorf("got %q", got)
	}
}
