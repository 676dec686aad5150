package field

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// restSource has the bytes after its events in the field "payload" of a content
// type, "" for none.
func restSource(t *testing.T, contentType string) *Source {
	t.Helper()
	fields := map[string]map[string]string{}
	if contentType != "" {
		fields["payload"] = map[string]string{gadgetapi.AnnotationContentType: contentType}
	}
	return build(t, pack("event", 6, member("number", 0, u32)), Options{
		Annotations: map[string]string{gadgetapi.AnnotationRestName: "payload"}, Fields: fields,
	})
}

// restRecord is a record of src with the bytes rest, of which used count.
func restRecord(src *Source, rest string, used uint32) []byte {
	record := make([]byte, src.Size, int(src.Size)+len(rest))
	binary.NativeEndian.PutUint32(record[gadgetapi.RestSlot(src.EventSize):], used)
	return append(record, rest...)
}

// TestRestOfEvent shows the bytes after an event: text as it is, other content so
// that it can be printed, and always as it came for who asks.
func TestRestOfEvent(t *testing.T) {
	for name, tc := range map[string]struct {
		contentType, rest  string
		used               uint32
		json, columns, raw string
	}{
		"text":                {"", "hello\x00\x00", 7, "hello", "hello", "hello\x00\x00"},
		"text by its type":    {"text/plain", "a\x00b\x00", 4, "a\x00b", "a\x00b", "a\x00b\x00"},
		"other content":       {"application/octet-stream", "\x00\xffab", 4, "AP9hYg==", "00ff6162", "\x00\xffab"},
		"not all of it":       {"", "hello", 4, "hell", "hell", "hell"},
		"less than there are": {"", "hello", 1000, "hello", "hello", "hello"},
		"nothing":             {"application/pcap", "", 0, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			src := restSource(t, tc.contentType)
			f, record := lookup(t, src, "payload"), restRecord(src, tc.rest, tc.used)
			got := []string{string(f.Append(nil, record)), string(f.Column()(nil, record)), string(f.Raw(nil, record))}
			if diff := cmp.Diff([]string{tc.json, tc.columns, tc.raw}, got); diff != "" {
				t.Errorf("in JSON, in columns and raw (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRecordWithoutRest is as long as the event alone, as what a wasm program makes.
func TestRecordWithoutRest(t *testing.T) {
	src := restSource(t, "")
	if got := src.Rest(make([]byte, src.EventSize)); got != nil {
		t.Errorf("a short record has the rest %q", got)
	}
	plain := build(t, pack("event", 4, member("number", 0, u32)), Options{})
	if got := plain.Rest([]byte("abcdefgh")); got != nil {
		t.Errorf("a data source without such a field has the rest %q", got)
	}
}

// TestReserve gives each operator its room, aligned to 8 bytes.
func TestReserve(t *testing.T) {
	src := build(t, pack("event", 6, member("number", 0, u32)), Options{})
	for _, tc := range []struct{ size, at, after uint32 }{{4, 8, 12}, {16, 16, 32}, {1, 32, 33}, {8, 40, 48}} {
		if at := src.Reserve(tc.size); at != tc.at || src.Size != tc.after {
			t.Errorf("room for %d bytes is at %d of %d, want %d of %d", tc.size, at, src.Size, tc.at, tc.after)
		}
	}
	if src.EventSize != 6 {
		t.Errorf("the event has %d bytes afterwards, want 6", src.EventSize)
	}
}

// TestFinish gives the fields of an operator that is not there empty values, so that
// events have the same fields on every machine.
func TestFinish(t *testing.T) {
	desc, err := gadgetapi.Describe(pack("event", 8, member("mntns_id", 0, typedef(gadgetapi.TypeMntnsID, u64))),
		gadgetapi.DescribeOptions{Name: "x", Kind: gadgetapi.Tracer})
	if err != nil {
		t.Fatal(err)
	}
	src := New(desc, Env{})
	src.Finish()
	for name, want := range map[string]string{
		"k8s.podName": "", "k8s.hostnetwork": "false", "runtime.containerPid": "0", "runtime.containerStartedAt": "0",
	} {
		if got := text(t, src, name, make([]byte, 8)); got != want || !lookup(t, src, name).Constant {
			t.Errorf("%s is shown as %q, want always %q", name, got, want)
		}
	}
	if got := text(t, src, "mntns_id", []byte{7, 0, 0, 0, 0, 0, 0, 0}); got != "7" {
		t.Errorf("the field of the event itself is shown as %q, want 7", got)
	}
	match, err := Filter(src, []string{"runtime.containerPid==0,k8s.podName=="})
	if err != nil || !match(make([]byte, 8)) {
		t.Errorf("a filter on empty values does not hold: %v", err)
	}
}

// TestEnvironmentFields takes the variables that the data source names, and no other.
func TestEnvironmentFields(t *testing.T) {
	t.Setenv("GADGET_TEST_NODE", "n1")
	src := build(t, pack("event", 4, member("taken", 0, u32)), Options{Annotations: map[string]string{
		"env.fields.node": " GADGET_TEST_NODE ", "env.fields.unset": "GADGET_TEST_UNSET", "env.fields.taken": "HOME",
		"description": "of no field",
	}})
	sample := []byte{7, 0, 0, 0}
	for name, want := range map[string]string{"node": "n1", "unset": "", "taken": "7"} {
		if got := text(t, src, name, sample); got != want {
			t.Errorf("%s is shown as %q, want %q", name, got, want)
		}
	}
	if !lookup(t, src, "node").Constant || len(src.Fields) != 3 {
		t.Errorf("fields %q, want node to be the same for every event", names(src.All()))
	}
}
