package engine

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// TestRecords makes records of samples that are shorter and longer than an event,
// and reads the bytes after the event out of them.
func TestRecords(t *testing.T) {
	plan, err := gadgetapi.Read(gadgettest.File(t, "capture.bpf.o"), gadgetapi.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	size := plan.Tables[0].Event.Size
	event := make([]byte, size)
	binary.NativeEndian.PutUint16(event[16:], 5) // payload_len
	for name, tc := range map[string]struct {
		annotations map[string]string
		sample      []byte
		want        string
	}{
		"no rest": {nil, append(event[:size:size], "hello"...), ""},
		"the rest": {
			map[string]string{"ebpf.rest.name": "payload"}, append(event[:size:size], "hello, you"...), "hello, you",
		},
		"with a length": {
			map[string]string{"ebpf.rest.name": "payload", "ebpf.rest.len": "payload_len"},
			append(event[:size:size], "hello, you"...), "hello",
		},
		"cut off": {
			map[string]string{"ebpf.rest.name": "payload", "ebpf.rest.len": "payload_len"},
			append(event[:size:size], "hel"...),
			"hel",
		},
		"nothing after it": {map[string]string{"ebpf.rest.name": "payload", "ebpf.rest.len": "payload_len"}, event, ""},
		"a shorter event":  {map[string]string{"ebpf.rest.name": "payload", "ebpf.rest.len": "payload_len"}, event[:8], ""},
	} {
		t.Run(name, func(t *testing.T) {
			md := gadgetapi.Metadata{DataSources: map[string]gadgetapi.DataSource{"packets": {Annotations: tc.annotations}}}
			sources, err := Sources(plan, md, field.Env{})
			if err != nil {
				t.Fatal(err)
			}
			rest, err := plan.Tables[0].Rest(tc.annotations)
			if err != nil {
				t.Fatal(err)
			}
			record := recordOf(size, rest)
			first := string(record(tc.sample))
			if diff := cmp.Diff(first, string(record(tc.sample))); diff != "" {
				t.Errorf("the second record differs:\n%s", diff)
			}
			if got := string(sources[0].Rest([]byte(first))); got != tc.want || uint32(len(first)) < sources[0].Size {
				t.Errorf("rest %q of a record of %d bytes, want %q and at least %d", got, len(first), tc.want, sources[0].Size)
			}
			if allocs := testing.AllocsPerRun(100, func() { record(tc.sample) }); allocs > 0 {
				t.Errorf("%v allocations", allocs)
			}
		})
	}
	if _, err := plan.Tables[0].Rest(map[string]string{
		"ebpf.rest.name": "payload",
		"ebpf.rest.len":  "nosuch",
	}); err == nil {
		t.Error("a length that does not exist was accepted")
	}
}
