package runcmd

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/rules-gadget/rules_gadget/runner/otlp"
)

// MetricsFlags specify where the metrics of the gadget are served or sent, and where
// its events and its stacks are sent.
type MetricsFlags struct {
	OTelMetricsListen    string `name:"otel-metrics-listen" aliases:"otel-metrics-listen-address" placeholder:"ADDR" help:"Serve the metrics that the gadget's annotations ask for, in the text format of Prometheus, at http://ADDR/metrics: 127.0.0.1:2224."`
	OTelMetricsExporter  string `name:"otel-metrics-exporter" placeholder:"URL" help:"Send these metrics to a collector by OTLP over HTTP: http://collector:4318, or otlp for the value of OTEL_EXPORTER_OTLP_ENDPOINT."`
	OTelLogsExporter     string `name:"otel-logs-exporter" placeholder:"URL" help:"Send events as log records to a collector by OTLP over HTTP: http://collector:4318, or otlp for the value of OTEL_EXPORTER_OTLP_ENDPOINT."`
	OTelProfilesExporter string `name:"otel-profiles-exporter" placeholder:"URL" help:"Send stacks as profiles to a collector by OTLP over HTTP, every 10 seconds and at the end: http://collector:4318, or otlp for the value of OTEL_EXPORTER_OTLP_ENDPOINT."`
}

// measures reports whether anything is counted.
func (f MetricsFlags) measures() bool {
	return f.OTelMetricsListen != "" || f.OTelMetricsExporter != ""
}

// measure counts the events of every data source that has metrics.
func (s *session) measure(ev *events) error {
	if !s.cmd.measures() {
		return nil
	}
	ev.registry = s.rest.member.metrics()
	any := false
	for i, src := range ev.sources {
		if s.wasm.hidden(i) {
			continue
		}
		var err error
		if ev.parts[i].metrics, err = ev.registry.Add(src); err != nil {
			return err
		}
		any = any || ev.parts[i].metrics != nil
	}
	// The flags of a service are the same whatever its instance manifest names.
	if !any && s.rest.member == nil && s.cmd.File == "" {
		flag := "--otel-metrics-listen"
		if s.cmd.OTelMetricsListen == "" {
			flag = "--otel-metrics-exporter"
		}
		return fmt.Errorf("%s: the gadget has no metrics, "+
			"annotate a data source with metrics.collect=true and its fields with metrics.type", flag)
	}
	return nil
}

// serveMetrics serves and sends what is counted until the returned function is
// called.
func (s *session) serveMetrics(ev *events) (stop func(), err error) {
	if ev.registry == nil {
		return func() {}, nil
	}
	return s.rest.member.count(func() (func(), error) {
		stop := func() {}
		if s.cmd.OTelMetricsExporter != "" {
			endpoint, err := otlp.NewEndpoint(s.cmd.OTelMetricsExporter, otlp.Metrics)
			if err != nil {
				return nil, fmt.Errorf("--otel-metrics-exporter: %w", err)
			}
			stop = otlp.PushMetrics(endpoint, ev.registry, s.notef)
		}
		if s.cmd.OTelMetricsListen == "" {
			return stop, nil
		}
		server, err := ev.registry.Serve(s.cmd.OTelMetricsListen)
		if err != nil {
			stop()
			return nil, err
		}
		s.notef("metrics at %s", server.URL())
		return func() { server.Close(); stop() }, nil
	})
}

// send sends events and stacks until the returned function is called.
func (s *session) send(ev *events) (stop func(), err error) {
	stopEvents, err := s.sendEvents(ev)
	if err != nil {
		return nil, err
	}
	stopProfiles, err := s.sendProfiles(ev)
	if err != nil {
		stopEvents()
		return nil, err
	}
	return func() { stopProfiles(); stopEvents() }, nil
}

// sendEvents sends the events of every data source until the returned function is
// called.
func (s *session) sendEvents(ev *events) (stop func(), err error) {
	if s.cmd.OTelLogsExporter == "" {
		return func() {}, nil
	}
	endpoint, err := otlp.NewEndpoint(s.cmd.OTelLogsExporter, otlp.Logs)
	if err != nil {
		return nil, fmt.Errorf("--otel-logs-exporter: %w", err)
	}
	sender := otlp.PushEvents(endpoint, s.notef)
	for i, src := range ev.sources {
		if s.wasm.hidden(i) {
			continue
		}
		if ev.parts[i].logs, err = sender.Add(src, s.scope()); err != nil {
			sender.Stop()
			return nil, fmt.Errorf("--otel-logs-exporter: %w", err)
		}
	}
	return sender.Stop, nil
}

// sendProfiles sends the stacks of every data source that has some until the returned
// function is called.
func (s *session) sendProfiles(ev *events) (stop func(), err error) {
	if s.cmd.OTelProfilesExporter == "" {
		return func() {}, nil
	}
	endpoint, err := otlp.NewEndpoint(s.cmd.OTelProfilesExporter, otlp.Profiled)
	if err != nil {
		return nil, fmt.Errorf("--otel-profiles-exporter: %w", err)
	}
	sender, any := otlp.PushProfiles(endpoint, s.notef), false
	for i, src := range ev.sources {
		if s.wasm.hidden(i) {
			continue
		}
		if ev.parts[i].profile, err = sender.Add(src, s.scope()); err != nil {
			sender.Stop()
			return nil, fmt.Errorf("--otel-profiles-exporter: %w", err)
		}
		any = any || ev.parts[i].profile != nil
	}
	// The flags of a service are the same whatever its instance manifest names.
	if !any && s.rest.member == nil && s.cmd.File == "" {
		sender.Stop()
		return nil, errors.New("--otel-profiles-exporter: the gadget has no stacks, " +
			"annotate a data source with profiles.stack-fields=FIELD")
	}
	return sender.Stop, nil
}

// scope is the name of what sends events and stacks.
func (s *session) scope() string {
	return shortName(cmp.Or(s.cmd.Gadget, strings.TrimSpace(s.metadata.Name)))
}
