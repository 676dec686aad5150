package runcmd

import (
	"errors"

	"github.com/rules-gadget/rules_gadget/runner/metrics"
)

// MetricsFlags say where the metrics of the gadget are served.
type MetricsFlags struct {
	OTelMetricsListen string `name:"otel-metrics-listen" placeholder:"ADDR" help:"Serve the metrics that the gadget's annotations ask for, in the text format of Prometheus, at http://ADDR/metrics: 127.0.0.1:2224."`
}

// measure lets the events of every data source that asks for it be counted.
func (s *session) measure(ev *events) error {
	if s.cmd.OTelMetricsListen == "" {
		return nil
	}
	ev.registry = metrics.New()
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
	if !any {
		return errors.New("--otel-metrics-listen: the gadget has no metrics, " +
			"annotate a data source with metrics.collect=true and its fields with metrics.type")
	}
	return nil
}

// serveMetrics serves what is counted until the returned function is called.
func (s *session) serveMetrics(ev *events) (stop func(), err error) {
	if ev.registry == nil {
		return func() {}, nil
	}
	server, err := ev.registry.Serve(s.cmd.OTelMetricsListen)
	if err != nil {
		return nil, err
	}
	s.notef("metrics at %s", server.URL())
	return server.Close, nil
}
