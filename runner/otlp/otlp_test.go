package otlp

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/metrics"
)

// collector replaces a collector, which is not among the tools of the tests:
// it keeps the bodies of requests and answers with the statuses, then with 200.
type collector struct {
	*httptest.Server
	mu       sync.Mutex
	statuses []int
	requests []*http.Request
	bodies   [][]byte
	received chan struct{}
}

func newCollector(t *testing.T, statuses ...int) *collector {
	c := &collector{statuses: statuses, received: make(chan struct{}, 100)}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		status := http.StatusOK
		if len(c.statuses) > 0 {
			status, c.statuses = c.statuses[0], c.statuses[1:]
		}
		c.requests, c.bodies = append(c.requests, r), append(c.bodies, body)
		w.WriteHeader(status)
		c.received <- struct{}{}
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) last(t *testing.T, m proto.Message) *http.Request {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.bodies) == 0 {
		t.Fatal("the collector got nothing")
	}
	if err := proto.Unmarshal(c.bodies[len(c.bodies)-1], m); err != nil {
		t.Fatal(err)
	}
	return c.requests[len(c.requests)-1]
}

// endpoint is one with variables like name=value.
func endpoint(t *testing.T, value string, signal Signal, variables ...string) Endpoint {
	t.Helper()
	e, err := newEndpoint(value, environment{signal, lookup(variables)})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func lookup(variables []string) func(string) string {
	return func(name string) string {
		for _, v := range variables {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

func TestEndpoint(t *testing.T) {
	for _, tc := range []struct {
		name, value string
		variables   []string
		want        string // the URL, or a part of the error
	}{
		{name: "of the flag", value: "http://collector:4318", want: "http://collector:4318/v1/metrics"},
		{name: "of the flag with a path", value: "https://c/otlp/m", want: "https://c/otlp/m"},
		{name: "no variable", value: "otlp", want: "http://localhost:4318/v1/metrics"},
		{
			name: "a base", value: "otlp", variables: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=https://c/otlp/"},
			want: "https://c/otlp/v1/metrics",
		},
		{name: "of the signal", value: "otlp", variables: []string{
			"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=https://c/m", "OTEL_EXPORTER_OTLP_ENDPOINT=https://d",
		}, want: "https://c/m"},
		{
			name: "a name", value: "my-exporter",
			want: `the endpoint "my-exporter" is not a URL such as http://localhost:4318, nor the word "otlp"`,
		},
		{name: "another scheme", value: "grpc://c:4317", want: `is not a URL`},
		{name: "a password", value: "https://user:secret@c", want: "has a password, put it into OTEL_EXPORTER_OTLP_HEADERS"},
		{
			name: "gRPC", value: "otlp", variables: []string{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc"},
			want: `OTEL_EXPORTER_OTLP_PROTOCOL is "grpc", only http/protobuf is supported`,
		},
		{
			name: "a timeout in words", value: "otlp", variables: []string{"OTEL_EXPORTER_OTLP_TIMEOUT=5s"},
			want: `OTEL_EXPORTER_OTLP_TIMEOUT is "5s", want a number of milliseconds`,
		},
		{
			name: "headers", value: "otlp", variables: []string{"OTEL_EXPORTER_OTLP_HEADERS=token"},
			want: "OTEL_EXPORTER_OTLP_HEADERS is not a comma-separated list of key=value",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e, err := newEndpoint(tc.value, environment{Metrics, lookup(tc.variables)})
			got := e.URL
			if err != nil {
				got = err.Error()
			}
			if got != tc.want && (err == nil || !strings.Contains(got, tc.want)) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func source(t *testing.T, fields map[string]map[string]string, annotations map[string]string) *field.Source {
	t.Helper()
	src, err := field.Build(&btf.Struct{Name: "event", Size: 16, Members: []btf.Member{
		{Name: "comm", Type: &btf.Array{Type: &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}, Nelems: 8}},
		{Name: "ret", Type: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}, Offset: 64},
		{
			Name: "n", Type: &btf.Typedef{Name: "gadget_counter__u32", Type: &btf.Int{Name: "unsigned int", Size: 4}},
			Offset: 96,
		},
	}}, field.Options{Name: "files", Annotations: annotations, Fields: fields})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func sample(comm string, ret int32, n uint8) []byte {
	s := make([]byte, 16)
	copy(s, comm)
	s[8], s[9], s[10], s[11] = byte(ret), byte(ret>>8), byte(ret>>16), byte(ret>>24)
	s[12] = n
	return s
}

func notes(t *testing.T) (note func(string, ...any), read func() string) {
	t.Helper()
	var mu sync.Mutex
	var all strings.Builder
	return func(format string, args ...any) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(&all, format+"\n", args...)
		}, func() string {
			mu.Lock()
			defer mu.Unlock()
			return all.String()
		}
}

func attributes(list []*commonpb.KeyValue) map[string]any {
	out := map[string]any{}
	for _, a := range list {
		switch v := a.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			out[a.Key] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			out[a.Key] = v.IntValue
		}
	}
	return out
}

func TestEventsBecomeRecords(t *testing.T) {
	for _, tc := range []struct {
		name        string
		fields      map[string]map[string]string
		annotations map[string]string
		body        string
		severity    int32
		scope       string
		want        map[string]any
	}{
		{name: "all fields", scope: "trace_open", want: map[string]any{"comm": `a"b`, "ret": int64(-2), "n": int64(7)}},
		{
			name: "named fields", fields: map[string]map[string]string{
				"comm": {"logs.name": "body"}, "ret": {"logs.name": "error"}, "n": {"logs.name": "severity"},
			},
			annotations: map[string]string{"logs.name": "opens"}, scope: "opens", body: `a"b`, severity: 7,
			want: map[string]any{"error": int64(-2)},
		},
		{
			name: "an expression", annotations: map[string]string{
				"logs.body": `comm + " got " + string(ret)`, "logs.severity": "9",
			},
			scope: "trace_open", body: `a"b got -2`, severity: 9, want: map[string]any{},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCollector(t)
			note, read := notes(t)
			events := PushEvents(endpoint(t, c.URL, Logs, "OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20x",
				"OTEL_RESOURCE_ATTRIBUTES=zone=a"), note)
			s, err := events.Add(source(t, tc.fields, tc.annotations), "trace_open")
			if err != nil {
				t.Fatal(err)
			}
			s.Send(sample(`a"b`, -2, 7))
			events.Stop()
			var got logspb.LogsData
			req := c.last(t, &got)
			if req.URL.Path != "/v1/logs" || req.Header.Get("Authorization") != "Bearer x" ||
				req.Header.Get("Content-Type") != "application/x-protobuf" {
				t.Errorf("the request is for %s with %v", req.URL, req.Header)
			}
			if zone := attributes(got.ResourceLogs[0].Resource.Attributes); zone["zone"] != "a" ||
				zone["service.name"] != "gadget-run" {
				t.Errorf("the resource is %v", zone)
			}
			scope := got.ResourceLogs[0].ScopeLogs[0]
			r := scope.LogRecords[0]
			if scope.Scope.Name != tc.scope || r.Body.GetStringValue() != tc.body || int32(r.SeverityNumber) != tc.severity ||
				r.TimeUnixNano == 0 {
				t.Errorf("scope %q has %v", scope.Scope.Name, r)
			}
			if diff := cmp.Diff(tc.want, attributes(r.Attributes)); diff != "" {
				t.Error(diff)
			}
			if read() != "" {
				t.Error(read())
			}
		})
	}
}

func TestAnnotationsOfRecords(t *testing.T) {
	events := PushEvents(endpoint(t, "http://127.0.0.1:1", Logs), t.Logf)
	defer events.Stop()
	for _, tc := range []struct {
		fields      map[string]map[string]string
		annotations map[string]string
		want        string
	}{
		{
			nil,
			map[string]string{"logs.severity": "high"},
			`data source "files": annotation logs.severity: "high" is not a number from 1 to 24`,
		},
		{nil, map[string]string{"logs.body": "ret"}, "annotation logs.body: "},
		{
			map[string]map[string]string{"comm": {"logs.name": "severity"}},
			nil,
			`field "comm" of data source "files": annotation logs.name: the severity needs a number`,
		},
	} {
		if _, err := events.Add(source(t, tc.fields, tc.annotations), ""); err == nil ||
			!strings.Contains(err.Error(), tc.want) {
			t.Errorf("got %v, want %q", err, tc.want)
		}
	}
}

// TestEventsNeverWait fills the queue while the collector holds a request, and
// wants the rest counted and the end in time.
func TestEventsNeverWait(t *testing.T) {
	held := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-held }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(held) })
	note, read := notes(t)
	events := PushEvents(endpoint(t, server.URL, Logs), note)
	s, err := events.Add(source(t, nil, nil), "")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 * maxQueue {
		s.Send(sample("x", 0, 0))
	}
	begin := time.Now()
	events.Stop()
	if took := time.Since(begin); took > 5*endTimeout {
		t.Errorf("stopping took %s", took)
	}
	if !strings.Contains(read(), "events were not sent") ||
		!strings.Contains(read(), "the collector is slower than the gadget") {
		t.Errorf("it says %q", read())
	}
}

func TestMetricsResent(t *testing.T) {
	c := newCollector(t, http.StatusServiceUnavailable)
	note, read := notes(t)
	r := metrics.New()
	counted, err := r.Add(source(t, map[string]map[string]string{
		"comm": {"metrics.type": "key"}, "ret": {
			"metrics.type": "histogram", "metrics.boundaries": "0,10", "metrics.unit": "us",
		},
	}, map[string]string{"metrics.collect": "true"}))
	if err != nil {
		t.Fatal(err)
	}
	counted.Count(sample(`a"b`, 5, 3))
	counted.Count(sample(`a"b`, 50, 4))
	stop := PushMetrics(endpoint(t, c.URL, Metrics, "OTEL_METRIC_EXPORT_INTERVAL=10"), r, note)
	<-c.received // refused
	<-c.received // the same again
	stop()
	var got metricspb.MetricsData
	c.last(t, &got)
	scope := got.ResourceMetrics[0].ScopeMetrics[0]
	found := map[string]*metricspb.Metric{}
	for _, m := range scope.Metrics {
		found[m.Name] = m
	}
	if scope.Scope.Name != "files" || found["n"] == nil || found["ret"] == nil || found["ret"].Unit != "us" {
		t.Fatalf("scope %v", scope)
	}
	sum := found["n"].GetSum()
	if !sum.IsMonotonic || sum.DataPoints[0].GetAsDouble() != 7 ||
		attributes(sum.DataPoints[0].Attributes)["comm"] != `a"b` {
		t.Errorf("the counter is %v", sum)
	}
	h := found["ret"].GetHistogram().DataPoints[0]
	if h.Count != 2 || h.GetSum() != 55 || !cmp.Equal(h.BucketCounts, []uint64{0, 1, 1}) ||
		!cmp.Equal(h.ExplicitBounds, []float64{0, 10}) {
		t.Errorf("the histogram is %v", h)
	}
	if read() != "" {
		t.Error(read())
	}
}

func TestRefusedRecorded(t *testing.T) {
	c := newCollector(t, http.StatusUnauthorized, http.StatusUnauthorized)
	note, read := notes(t)
	PushMetrics(endpoint(t, c.URL, Metrics), metrics.New(), note)()
	if want := `the collector answers "401 Unauthorized"`; !strings.Contains(read(), want) {
		t.Errorf("it says %q, want %q", read(), want)
	}
	if len(c.bodies) != 1 {
		t.Errorf("%d requests after a final answer", len(c.bodies))
	}
}

// TestRejectedRecorded notes what a collector rejects of a request that it
// takes, and names the endpoint without what may be a token.
func TestRejectedRecorded(t *testing.T) {
	partial := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 3)
	partial = protowire.AppendString(protowire.AppendTag(partial, 2, protowire.BytesType), "too \x1b old")
	answer := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), partial)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer) }))
	defer server.Close()
	note, read := notes(t)
	PushMetrics(endpoint(t, server.URL+"/v1/metrics?key=secret", Metrics), metrics.New(), note)()
	if want := server.URL + `/v1/metrics: the collector rejects 3 of what was sent: "too \x1b old"`; !strings.Contains(
		read(), want) {
		t.Errorf("it says %q, want %q", read(), want)
	}
	server.Close()
	PushMetrics(endpoint(t, server.URL+"/v1/metrics?key=secret", Metrics), metrics.New(), note)()
	if !strings.Contains(read(), "connection refused") || strings.Contains(read(), "secret") {
		t.Errorf("it says %q", read())
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x0a, 0x04, 0x08, 0x03, 0x12, 0x00})
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, why := rejected(data); len(why) > len(data) {
			t.Errorf("a reason of %d bytes", len(why))
		}
	})
}

// TestTimeUpDuringAnotherTry: the reason of the first try is reported, not that the time
// for the second is up.
func TestTimeUpDuringAnotherTry(t *testing.T) {
	tries := make(chan struct{}, maxTries)
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tries <- struct{}{}
		if len(tries) == 1 {
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body) // or its end is not seen
		cancel()
		<-r.Context().Done()
	}))
	defer server.Close()
	err := newClient(endpoint(t, server.URL+"/v1/metrics", Metrics)).send(ctx, metricsData(
		endpoint(t, server.URL, Metrics), nil, time.Now(), time.Now()))
	if err == nil || !strings.Contains(err.Error(), "503") || len(tries) != 2 {
		t.Errorf("%v after %d tries", err, len(tries))
	}
}
