// Package collector sends what gadget-run sends to the receiver of the OpenTelemetry
// Collector itself, which is a separate module because of its dependencies.
package collector

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pprofile"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/xreceiver"

	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/metrics"
	"github.com/rules-gadget/rules_gadget/runner/otlp"
)

// sinks keep what a collector received.
type sinks struct {
	url      string
	metrics  consumertest.MetricsSink
	logs     consumertest.LogsSink
	profiles consumertest.ProfilesSink
}

// start runs a receiver of OTLP over HTTP on a free port until the test ends.
func start(t *testing.T) *sinks {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sinks{url: "http://" + l.Addr().String()}
	l.Close() // the receiver opens it again
	factory, ok := otlpreceiver.NewFactory().(xreceiver.Factory)
	if !ok {
		t.Fatal("the receiver takes no profiles")
	}
	config := factory.CreateDefaultConfig()
	text := map[string]any{"protocols": map[string]any{"http": map[string]any{"endpoint": l.Addr().String()}}}
	if err := confmap.NewFromStringMap(text).Unmarshal(config); err != nil {
		t.Fatal(err)
	}
	settings := receiver.Settings{
		ID: component.NewID(factory.Type()), TelemetrySettings: componenttest.NewNopTelemetrySettings(),
	}
	var parts []component.Component
	add := func(c component.Component, err error) {
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, c)
	}
	add(factory.CreateMetrics(t.Context(), settings, config, &s.metrics))
	add(factory.CreateLogs(t.Context(), settings, config, &s.logs))
	add(factory.CreateProfiles(t.Context(), settings, config, &s.profiles))
	for _, c := range parts {
		if err := c.Start(t.Context(), componenttest.NewNopHost()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Shutdown(t.Context()) })
	}
	return s
}

// source has events "comm|stack|weight".
func source() *field.Source {
	part := func(n int) field.AppendFunc {
		return func(dst, sample []byte) []byte { return append(dst, strings.Split(string(sample), "|")[n]...) }
	}
	text := func(name string, n int, annotations map[string]string) *field.Field {
		return &field.Field{Name: name, FullName: name, Kind: field.String, Append: part(n), Annotations: annotations}
	}
	weight := text("samples", 2, map[string]string{"metrics.type": "counter"})
	weight.Kind = field.Uint
	weight.Number = func(sample []byte) (n uint64) { _, _ = fmt.Sscan(string(part(2)(nil, sample)), &n); return n }
	return &field.Source{
		Name: "samples", Array: true,
		Annotations: map[string]string{
			"metrics.collect": "true", "profiles.stack-fields": "stack", "profiles.name": "process_cpu",
			"logs.severity": "9",
		},
		Fields: []*field.Field{
			text("comm", 0, map[string]string{"metrics.type": "key", "profiles.sample-attribute": "true"}),
			text("stack", 1, nil), weight,
		},
	}
}

var samples = []string{"cat|read; main; |2", "sh|exit; read; main; |4", "cat|read; main; |3"}

func endpoint(t *testing.T, url string, signal otlp.Signal) otlp.Endpoint {
	t.Helper()
	e, err := otlp.NewEndpoint(url, signal)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func noted(t *testing.T) func(string, ...any) {
	return func(format string, args ...any) { t.Errorf("noted: "+format, args...) }
}

func TestProfiles(t *testing.T) {
	s := start(t)
	profiles := otlp.PushProfiles(endpoint(t, s.url, otlp.Profiled), noted(t))
	sender, err := profiles.Add(source(), "profile_cpu")
	if err != nil {
		t.Fatal(err)
	}
	for _, sample := range samples {
		sender.Sample([]byte(sample))
	}
	profiles.Stop()
	got := s.profiles.AllProfiles()
	if len(got) != 1 {
		t.Fatalf("%d requests", len(got))
	}
	resource := got[0].ResourceProfiles().At(0).Resource()
	if service := attribute(resource.Attributes(), "service.name"); service != "gadget-run" {
		t.Errorf("the service is %q", service)
	}
	scope := got[0].ResourceProfiles().At(0).ScopeProfiles().At(0)
	lines := linesOf(got[0].Dictionary(), scope.Profiles().At(0))
	want := "process_cpu samples/count 1\n[comm=cat] read<main [5]\n[comm=sh] exit<read<main [4]\n"
	if lines != want || scope.Scope().Name() != "profile_cpu" {
		t.Errorf("scope %q has\n%swant\n%s", scope.Scope().Name(), lines, want)
	}
	if p := scope.Profiles().At(0); p.Time() == 0 || p.DurationNano() == 0 {
		t.Errorf("it begins at %v and takes %d", p.Time(), p.DurationNano())
	}
}

// linesOf is a profile as text.
func linesOf(d pprofile.ProfilesDictionary, p pprofile.Profile) string {
	text := func(at int32) string { return d.StringTable().At(int(at)) }
	out := fmt.Sprintf("%s %s/%s %d\n", text(p.PeriodType().TypeStrindex()), text(p.SampleType().TypeStrindex()),
		text(p.SampleType().UnitStrindex()), p.Period())
	for _, s := range p.Samples().All() {
		var attributes, frames []string
		for _, at := range s.AttributeIndices().All() {
			a := d.AttributeTable().At(int(at))
			attributes = append(attributes, text(a.KeyStrindex())+"="+a.Value().Str())
		}
		for _, at := range d.StackTable().At(int(s.StackIndex())).LocationIndices().All() {
			line := d.LocationTable().At(int(at)).Lines().At(0)
			frames = append(frames, text(d.FunctionTable().At(int(line.FunctionIndex())).NameStrindex()))
		}
		out += fmt.Sprintf("%v %s %v\n", attributes, strings.Join(frames, "<"), s.Values().AsRaw())
	}
	return out
}

func TestMetrics(t *testing.T) {
	s := start(t)
	registry := metrics.New()
	counted, err := registry.Add(source())
	if err != nil {
		t.Fatal(err)
	}
	for _, sample := range samples {
		counted.Count([]byte(sample))
	}
	otlp.PushMetrics(endpoint(t, s.url, otlp.Metrics), registry, noted(t))()
	got := s.metrics.AllMetrics()
	if len(got) != 1 || got[0].DataPointCount() != 2 {
		t.Fatalf("got %v", got)
	}
	sum := map[string]float64{}
	for _, p := range got[0].ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().All() {
		sum[attribute(p.Attributes(), "comm")] = p.DoubleValue()
	}
	if sum["cat"] != 5 || sum["sh"] != 4 {
		t.Errorf("the counter is %v", sum)
	}
}

func TestLogs(t *testing.T) {
	s := start(t)
	events := otlp.PushEvents(endpoint(t, s.url, otlp.Logs), noted(t))
	sender, err := events.Add(source(), "profile_cpu")
	if err != nil {
		t.Fatal(err)
	}
	for _, sample := range samples {
		sender.Send([]byte(sample))
	}
	events.Stop()
	got := s.logs.AllLogs()
	if len(got) != 1 || got[0].LogRecordCount() != len(samples) {
		t.Fatalf("got %v", got)
	}
	record := got[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(1)
	if record.SeverityNumber() != 9 || attribute(record.Attributes(), "stack") != "exit; read; main; " {
		t.Errorf("the second record is %v %v", record.SeverityNumber(), record.Attributes().AsRaw())
	}
}

func attribute(m pcommon.Map, name string) string {
	v, _ := m.Get(name)
	return v.AsString()
}
