package otlp

import (
	"context"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"

	"github.com/rules-gadget/rules_gadget/runner/metrics"
)

// PushMetrics sends what r counts at every interval of the endpoint, and once more
// when stop is called. Failures are noted, the run continues.
func PushMetrics(e Endpoint, r *metrics.Registry, note func(format string, args ...any)) (stop func()) {
	c, start := newClient(e), time.Now()
	push := func(ctx context.Context) error { return c.send(ctx, metricsData(e, r.Snapshot(), start, time.Now())) }
	return periodically(e.Interval, push, func(err error) { note("metrics: %v", err) })
}

// metricsData is a request with all metrics, by scope.
func metricsData(e Endpoint, families []metrics.Family, start, now time.Time) *metricspb.MetricsData {
	resource := &metricspb.ResourceMetrics{Resource: e.Resource}
	scopes := map[string]*metricspb.ScopeMetrics{}
	for _, f := range families {
		parts := map[string]*metricspb.Metric{}
		for _, p := range f.Points {
			scope := scopes[p.Scope]
			if scope == nil {
				scope = &metricspb.ScopeMetrics{Scope: &commonpb.InstrumentationScope{Name: p.Scope}}
				scopes[p.Scope] = scope
				resource.ScopeMetrics = append(resource.ScopeMetrics, scope)
			}
			m := parts[p.Scope]
			if m == nil {
				m = &metricspb.Metric{Name: f.Name, Description: f.Help, Unit: f.Unit}
				parts[p.Scope] = m
				scope.Metrics = append(scope.Metrics, m)
			}
			addPoint(m, f, p, uint64(start.UnixNano()), uint64(now.UnixNano()))
		}
	}
	return &metricspb.MetricsData{ResourceMetrics: []*metricspb.ResourceMetrics{resource}}
}

func addPoint(m *metricspb.Metric, f metrics.Family, p metrics.Point, start, now uint64) {
	var attributes []*commonpb.KeyValue
	for _, a := range p.Attributes {
		attributes = append(attributes, text(a[0], a[1]))
	}
	number := func() *metricspb.NumberDataPoint {
		return &metricspb.NumberDataPoint{
			Attributes: attributes, StartTimeUnixNano: start, TimeUnixNano: now,
			Value: &metricspb.NumberDataPoint_AsDouble{AsDouble: p.Value},
		}
	}
	const total = metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
	switch f.Kind {
	case metrics.Counter:
		if m.Data == nil {
			m.Data = &metricspb.Metric_Sum{Sum: &metricspb.Sum{AggregationTemporality: total, IsMonotonic: true}}
		}
		m.GetSum().DataPoints = append(m.GetSum().DataPoints, number())
	case metrics.Histogram:
		if m.Data == nil {
			m.Data = &metricspb.Metric_Histogram{Histogram: &metricspb.Histogram{AggregationTemporality: total}}
		}
		h := &metricspb.HistogramDataPoint{
			Attributes: attributes, StartTimeUnixNano: start, TimeUnixNano: now,
			Sum: &p.Value, BucketCounts: p.Buckets, ExplicitBounds: f.Boundaries,
		}
		for _, n := range p.Buckets {
			h.Count += n
		}
		m.GetHistogram().DataPoints = append(m.GetHistogram().DataPoints, h)
	default:
		if m.Data == nil {
			m.Data = &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{}}
		}
		m.GetGauge().DataPoints = append(m.GetGauge().DataPoints, number())
	}
}
