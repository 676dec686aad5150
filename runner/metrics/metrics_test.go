package metrics

import (
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/runner/field"
)

// source has a key, a counter and a gauge by their types, a number, and the slots
// of a histogram.
func source(tb testing.TB, annotations map[string]string, fields map[string]map[string]string) *field.Source {
	tb.Helper()
	u32 := &btf.Int{Name: "unsigned int", Size: 4}
	char := &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}
	named := func(name string) btf.Type { return &btf.Typedef{Name: name, Type: u32} }
	slots := &btf.Array{Type: named("gadget_histogram_slot__u32"), Nelems: 4}
	src, err := field.Build(&btf.Struct{Name: "event", Size: 36, Members: []btf.Member{
		{Name: "comm", Type: &btf.Array{Type: char, Nelems: 8}},
		{Name: "opens", Type: named("gadget_counter__u32"), Offset: 64},
		{Name: "depth", Type: named("gadget_gauge__u32"), Offset: 96},
		{Name: "size", Type: u32, Offset: 128},
		{Name: "latency", Type: slots, Offset: 160},
	}}, field.Options{Name: "files", Annotations: annotations, Fields: fields})
	if err != nil {
		tb.Fatal(err)
	}
	return src
}

func sample(comm string, opens, depth, size uint32, slots ...uint32) []byte {
	s := make([]byte, 36)
	copy(s, comm)
	for i, v := range append([]uint32{opens, depth, size}, slots...) {
		binary.NativeEndian.PutUint32(s[8+4*i:], v)
	}
	return s
}

var collected = map[string]string{
	"metrics.collect": "true", "metrics.implicit-counter.name": "events",
	"metrics.implicit-counter.description": "All\nof them",
}

var described = map[string]map[string]string{
	"comm":    {"metrics.type": "key"},
	"opens":   {"metrics.description": "Opened files"},
	"size":    {"metrics.type": "histogram", "metrics.boundaries": "10, 100", "metrics.unit": "By"},
	"latency": {"metrics.unit": "us"},
}

func TestMetrics(t *testing.T) {
	r := New()
	s, err := r.Add(source(t, collected, described))
	if err != nil {
		t.Fatal(err)
	}
	s.Count(sample("cat", 2, 7, 10, 1, 0, 2, 1))
	s.Count(sample("cat", 3, 5, 101, 0, 1))
	s.Count(sample("a\"\xff", 1, 1, 50))
	cat, other := `{otel_scope_name="files",comm="cat"`, `{otel_scope_name="files",comm="a\"`+"\ufffd\""
	want := strings.NewReplacer("CAT", cat, "OTHER", other).Replace(`# TYPE depth gauge
depthOTHER} 1
depthCAT} 5
# HELP events_total All\nof them
# TYPE events_total counter
events_totalOTHER} 1
events_totalCAT} 2
# TYPE latency_microseconds histogram
latency_microseconds_bucketOTHER,le="1"} 0
latency_microseconds_bucketOTHER,le="3"} 0
latency_microseconds_bucketOTHER,le="7"} 0
latency_microseconds_bucketOTHER,le="+Inf"} 0
latency_microseconds_sumOTHER} 0
latency_microseconds_countOTHER} 0
latency_microseconds_bucketCAT,le="1"} 1
latency_microseconds_bucketCAT,le="3"} 2
latency_microseconds_bucketCAT,le="7"} 4
latency_microseconds_bucketCAT,le="+Inf"} 5
latency_microseconds_sumCAT} 25.5
latency_microseconds_countCAT} 5
# HELP opens_total Opened files
# TYPE opens_total counter
opens_totalOTHER} 1
opens_totalCAT} 5
# TYPE size_bytes histogram
size_bytes_bucketOTHER,le="10"} 0
size_bytes_bucketOTHER,le="100"} 1
size_bytes_bucketOTHER,le="+Inf"} 1
size_bytes_sumOTHER} 50
size_bytes_countOTHER} 1
size_bytes_bucketCAT,le="10"} 1
size_bytes_bucketCAT,le="100"} 1
size_bytes_bucketCAT,le="+Inf"} 2
size_bytes_sumCAT} 111
size_bytes_countCAT} 2
`)
	if diff := cmp.Diff(want, string(r.Append(nil))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	event := sample("cat", 1, 1, 1)
	if n := testing.AllocsPerRun(100, func() { s.Count(event) }); n > 0 {
		t.Errorf("an event of known keys allocates %v times", n)
	}
}

// TestTypesOfMetrics uses fields as their types specify, and names what
// annotations name.
func TestTypesOfMetrics(t *testing.T) {
	for name, want := range map[string]string{
		"gadget_counter__u32": "counter", "gadget_counter__u64": "counter",
		"gadget_gauge__u32": "gauge", "gadget_gauge__u64": "gauge",
		"gadget_histogram_slot__u32": "histogram", "gadget_histogram_slot__u64": "histogram",
	} {
		size := uint32(4)
		if strings.HasSuffix(name, "u64") {
			size = 8
		}
		var typ btf.Type = &btf.Typedef{Name: name, Type: &btf.Int{Name: "number", Size: size}}
		if want == "histogram" {
			typ = &btf.Array{Type: typ, Nelems: 4}
			size *= 4
		}
		event := &btf.Struct{Name: "event", Size: size, Members: []btf.Member{{Name: "value", Type: typ}}}
		src, err := field.Build(event, field.Options{
			Name: "files", Annotations: map[string]string{"metrics.collect": "true", "metrics.name": "scope"},
			Fields: map[string]map[string]string{"value": {"metrics.name": "renamed"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		r := New()
		s, err := r.Add(src)
		if err != nil {
			t.Fatal(err)
		}
		s.Count(append([]byte{5}, make([]byte, size-1)...))
		got := string(r.Append(nil))
		for _, part := range []string{"# TYPE renamed", " " + want + "\n", "} 5\n", `otel_scope_name="scope"`} {
			if !strings.Contains(got, part) {
				t.Errorf("%s: no %q in:\n%s", name, part, got)
			}
		}
	}
}

// TestOverflow holds the number of series to its limit.
func TestOverflow(t *testing.T) {
	r := New()
	s, err := r.Add(source(t, collected, map[string]map[string]string{"size": {"metrics.type": "key"}}))
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint32(maxSeries + 5) {
		s.Count(sample("", 1, 0, i))
	}
	text := string(r.Append(nil))
	if !strings.Contains(text, `events_total{otel_scope_name="files",otel_metric_overflow="true"} 5`) {
		t.Error("the series beyond the limit are not counted as one")
	}
	if n := strings.Count(text, "events_total{"); n != maxSeries+1 {
		t.Errorf("%d series", n)
	}
}

func TestAddErrors(t *testing.T) {
	for name, fields := range map[string]map[string]map[string]string{
		"needs a number":    {"comm": {"metrics.type": "counter"}},
		"ascending numbers": {"size": {"metrics.type": "histogram", "metrics.boundaries": "2,1"}},
		"is called":         {"size": {"metrics.type": "gauge", "metrics.name": "opens_total"}},
	} {
		if _, err := New().Add(source(t, collected, fields)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want %q", err, name)
		}
	}
	if s, err := New().Add(source(t, nil, nil)); s != nil || err != nil {
		t.Errorf("a source that is not to be counted: %v, %v", s, err)
	}
}

func TestServe(t *testing.T) {
	r := New()
	s, err := r.Add(source(t, collected, nil))
	if err != nil {
		t.Fatal(err)
	}
	s.Count(sample("", 4, 0, 0))
	server, err := r.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	resp, err := http.Get(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(body), `opens_total{otel_scope_name="files"} 4`) {
		t.Errorf("%v: %s", err, body)
	}
	if got := resp.Header.Get("Content-Type"); got != contentType {
		t.Errorf("content type %q", got)
	}
	if _, err := r.Serve(server.listener.Addr().String()); err == nil {
		t.Error("two servers have one address")
	}
}
