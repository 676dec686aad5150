package otlp

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/rules-gadget/rules_gadget/runner/field"
)

// stacked is a data source of "comm stack weight".
func stacked(annotations map[string]string) *field.Source {
	part := func(n int) func(sample []byte) string {
		return func(sample []byte) string { return strings.Split(string(sample), "|")[n] }
	}
	text := func(name string, n int, annotations map[string]string) *field.Field {
		return &field.Field{
			Name: name, FullName: name, Kind: field.String, Annotations: annotations,
			Append: func(dst, sample []byte) []byte { return append(dst, part(n)(sample)...) },
		}
	}
	weight := text("samples", 2, nil)
	weight.Kind = field.Uint
	weight.Number = func(sample []byte) (n uint64) { _, _ = fmt.Sscan(part(2)(sample), &n); return n }
	return &field.Source{
		Name: "samples", Array: true, Annotations: annotations, Fields: []*field.Field{
			text("comm", 0, map[string]string{"profiles.sample-attribute": "true"}),
			text("stack", 1, nil), text("more", 1, nil), weight,
		},
	}
}

// received is a decoded request: lines "scope name type/unit attributes stack weight".
type received struct {
	texts, functions, attributes []string
	locations                    []uint64
	stacks                       []string
	lines                        []string
}

func uvarint(b []byte) uint64 { n, _ := protowire.ConsumeVarint(b); return n }

func packed(b []byte) (out []uint64) {
	for len(b) > 0 {
		v, n := protowire.ConsumeVarint(b)
		out, b = append(out, v), b[n:]
	}
	return out
}

// fieldsOf returns the values of a field of a message.
func fieldsOf(message []byte, number protowire.Number) (out [][]byte) {
	for n, value := range protoFields(message) {
		if n == number {
			out = append(out, value)
		}
	}
	return out
}

// first returns the value of a field, nil for one that is not there.
func first(message []byte, number protowire.Number) []byte {
	if all := fieldsOf(message, number); len(all) > 0 {
		return all[0]
	}
	return nil
}

// numberIn returns the number in a field, 0 for one that is not there.
func numberIn(message []byte, number protowire.Number) uint64 {
	if v := first(message, number); v != nil {
		return uvarint(v)
	}
	return 0
}

func decode(t *testing.T, body []byte) *received {
	t.Helper()
	r := &received{}
	dictionary := first(body, dataDictionary)
	for _, s := range fieldsOf(dictionary, dictionaryStrings) {
		r.texts = append(r.texts, string(s))
	}
	for _, f := range fieldsOf(dictionary, dictionaryFunctions) {
		r.functions = append(r.functions, r.texts[numberIn(f, functionName)])
	}
	for _, l := range fieldsOf(dictionary, dictionaryLocations) {
		r.locations = append(r.locations, numberIn(first(l, locationLines), lineFunction))
	}
	for _, s := range fieldsOf(dictionary, dictionaryStacks) {
		var names []string
		for _, l := range packed(first(s, stackLocations)) {
			names = append(names, r.functions[r.locations[l]])
		}
		r.stacks = append(r.stacks, strings.Join(names, "<"))
	}
	for _, a := range fieldsOf(dictionary, dictionaryAttributes) {
		var value commonpb.AnyValue
		if err := proto.Unmarshal(first(a, attributeValue), &value); err != nil {
			t.Fatal(err)
		}
		r.attributes = append(r.attributes, r.texts[numberIn(a, attributeKey)]+"="+value.GetStringValue())
	}
	for _, scope := range fieldsOf(first(body, dataResourceProfiles), resourceScopes) {
		name := string(first(first(scope, scopeScope), scopeNameNumber))
		for _, p := range fieldsOf(scope, scopeProfiles) {
			r.profile(name, p)
		}
	}
	return r
}

func (r *received) profile(scope string, p []byte) {
	kind := first(p, profileSampleType)
	head := fmt.Sprintf("%s %s %s/%s", scope, r.texts[numberIn(first(p, profilePeriodType), valueTypeType)],
		r.texts[numberIn(kind, valueTypeType)], r.texts[numberIn(kind, valueTypeUnit)])
	for _, s := range fieldsOf(p, profileSamples) {
		var attributes []string
		for _, a := range packed(first(s, sampleAttributes)) {
			attributes = append(attributes, r.attributes[a])
		}
		r.lines = append(r.lines, fmt.Sprintf("%s %v %s %v", head, attributes, r.stacks[numberIn(s, sampleStack)],
			packed(first(s, sampleValues))))
	}
}

func TestProfiles(t *testing.T) {
	for _, tc := range []struct {
		name        string
		annotations map[string]string
		want        []string
	}{
		{
			"named",
			map[string]string{
				"profiles.stack-fields": "stack", "profiles.name": "process_cpu", "profiles.type": "time", "profiles.unit": "ns",
			},
			[]string{"cpu process_cpu time/ns [comm=cat] read<main [5]", "cpu process_cpu time/ns [comm=sh] exit<read<main [4]"},
		},
		{
			"the innermost field first",
			map[string]string{"profiles.stack-fields": "comm,stack"},
			[]string{
				"cpu samples samples/count [comm=cat] cat<read<main [5]",
				"cpu samples samples/count [comm=sh] sh<exit<read<main [4]",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCollector(t)
			note, read := notes(t)
			profiles := PushProfiles(endpoint(t, c.URL, Profiled, "OTEL_RESOURCE_ATTRIBUTES=zone=a"), note)
			s, err := profiles.Add(stacked(tc.annotations), "cpu")
			if err != nil {
				t.Fatal(err)
			}
			for _, sample := range []string{"cat|read; main; |2", "sh|exit; read; main; |4", "cat|read; main; |3"} {
				s.Sample([]byte(sample))
			}
			profiles.Stop()
			if read() != "" || len(c.bodies) != 1 {
				t.Fatalf("%d requests: %s", len(c.bodies), read())
			}
			req := c.requests[0]
			if req.URL.Path != "/v1development/profiles" || req.Header.Get(versionHeader) != profileVersion {
				t.Errorf("the request is for %s with %v", req.URL, req.Header)
			}
			if diff := cmp.Diff(tc.want, decode(t, c.bodies[0]).lines); diff != "" {
				t.Errorf("profile (-want +got):\n%s", diff)
			}
		})
	}
}

// TestProfilesNowAndThen sends what came since the last time, and nothing when nothing
// came.
func TestProfilesNowAndThen(t *testing.T) {
	c := newCollector(t, http.StatusOK, http.StatusUnauthorized)
	note, read := notes(t)
	profiles := pushProfiles(endpoint(t, c.URL, Profiled), time.Millisecond, note)
	s, err := profiles.Add(stacked(map[string]string{"profiles.stack-fields": "stack"}), "cpu")
	if err != nil {
		t.Fatal(err)
	}
	for _, sample := range []string{"cat|read; |2", "cat|read; |7"} {
		s.Sample([]byte(sample))
		<-c.received
	}
	time.Sleep(20 * time.Millisecond)
	profiles.Stop()
	if len(c.bodies) != 2 {
		t.Fatalf("%d requests", len(c.bodies))
	}
	if got := decode(t, c.bodies[1]).lines; len(got) != 1 || !strings.HasSuffix(got[0], "read [7]") {
		t.Errorf("the second profile has %v", got)
	}
	if !strings.Contains(read(), `profiles: sending to `) || !strings.Contains(read(), "401") {
		t.Errorf("it says %q", read())
	}
}

// TestManyAttributes keeps a limited number of sets of attributes, and every sample.
func TestManyAttributes(t *testing.T) {
	c := newCollector(t)
	profiles := PushProfiles(endpoint(t, c.URL, Profiled), t.Logf)
	s, err := profiles.Add(stacked(map[string]string{"profiles.stack-fields": "stack"}), "cpu")
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxAttributeSets + 10 {
		s.Sample(fmt.Appendf(nil, "c%d|read; |1", i))
	}
	profiles.Stop()
	lines := decode(t, c.bodies[0]).lines
	if want := "cpu samples samples/count [] read [10]"; len(lines) != maxAttributeSets+1 || lines[0] != want {
		t.Errorf("%d samples, the first is %q, want %q", len(lines), lines[0], want)
	}
}

// TestManyStacks keeps a limited number of stacks for all attributes together, and every
// sample; the next profile has room again.
func TestManyStacks(t *testing.T) {
	c := newCollector(t)
	profiles := PushProfiles(endpoint(t, c.URL, Profiled), t.Logf)
	s, err := profiles.Add(stacked(map[string]string{"profiles.stack-fields": "stack"}), "cpu")
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxStacks + 10 {
		s.Sample(fmt.Appendf(nil, "c%d|f%d; |1", i%2, i))
	}
	body, err := profiles.take(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	lines := decode(t, body).lines
	others := strings.Count(strings.Join(lines, "\n"), "[other stacks] [5]")
	if len(lines) != maxStacks+2 || others != 2 {
		t.Errorf("%d samples, %d of other stacks", len(lines), others)
	}
	s.Sample([]byte("c0|f0; |1"))
	profiles.Stop()
	if got := decode(t, c.bodies[0]).lines; len(got) != 1 || !strings.HasSuffix(got[0], "f0 [1]") {
		t.Errorf("the next profile has %q", got)
	}
}

func TestNoProfile(t *testing.T) {
	profiles := PushProfiles(endpoint(t, "http://127.0.0.1:1", Profiled), t.Logf)
	defer profiles.Stop()
	if s, err := profiles.Add(stacked(nil), "cpu"); s != nil || err != nil {
		t.Errorf("a source without stacks gives %v, %v", s, err)
	}
	if _, err := profiles.Add(stacked(map[string]string{"profiles.stack-fields": "stak"}), "cpu"); err == nil ||
		!strings.Contains(err.Error(), `data source "samples": annotation profiles.stack-fields: `) {
		t.Errorf("got %v", err)
	}
}
