package runcmd

import "errors"

// MetricsFlags say where the metrics of the gadget are served.
type MetricsFlags struct {
	OTelMetricsListen string `name:"otel-metrics-listen" aliases:"otel-metrics-listen-address" placeholder:"ADDR" help:"Serve the metrics that the gadget's annotations ask for, in the text format of Prometheus, at http://ADDR/metrics: 127.0.0.1:2224."`
}

// measure lets the events of every data source that asks for it be counted.
func (s *session) measure(ev *events) error {
	if s.cmd.OTelMetricsListen == "" {
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
	if !any && s.rest.member == nil {
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
	return s.rest.member.serve(ev.registry, s.cmd.OTelMetricsListen, func(url string) { s.notef("metrics at %s", url) })
}
