// Package metrics counts the events of data sources as the annotations of a
// gadget request, and writes the sums in the text format of Prometheus.
package metrics

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/output"
)

// The annotations of data sources and of fields that specify what is counted.
const (
	annotationCollect       = "metrics.collect"
	annotationName          = "metrics.name"
	annotationType          = "metrics.type"
	annotationUnit          = "metrics.unit"
	annotationDescription   = "metrics.description"
	annotationBoundaries    = "metrics.boundaries"
	annotationImplicitName  = "metrics.implicit-counter.name"
	annotationImplicitAbout = "metrics.implicit-counter.description"
)

// The values of metrics.type.
const (
	kindKey = "key"

	Counter   = "counter"
	Gauge     = "gauge"
	Histogram = "histogram"
)

// typeKinds are the special types that imply a metrics.type.
var typeKinds = map[string]string{
	"gadget_counter__u32": Counter, "gadget_counter__u64": Counter,
	"gadget_gauge__u32": Gauge, "gadget_gauge__u64": Gauge,
	"gadget_histogram_slot__u32": Histogram, "gadget_histogram_slot__u64": Histogram,
}

// The labels that the OpenTelemetry exporter for Prometheus has too.
const (
	scopeLabel    = `otel_scope_name="`
	overflowLabel = `otel_metric_overflow="true"`
)

// maxSeries is how many combinations of keys one data source has; what comes
// later is counted as one.
const maxSeries = 10_000

// Registry has the metrics of a run. It may be used from any goroutine.
type Registry struct {
	mu       sync.Mutex
	families map[string]*family
}

// family are the metrics with one name.
type family struct {
	name, kind, help string
	plain, unit      string    // of the annotations
	boundaries       []float64 // of a histogram
	series           map[string]*series
}

// series is one metric with its labels.
type series struct {
	value   float64
	buckets []uint64 // of a histogram, one more than it has boundaries
}

// Source counts the events of one data source.
type Source struct {
	registry       *Registry
	scope          []byte // the label that all series have
	keys           []key
	values         []value
	seriesByLabels map[string][]*series // of each value, by labels
	labels         []byte               // reused
	text           []byte               // reused
	slots          []uint64             // reused
}

type key struct {
	name string
	text field.AppendFunc
}

// value is one metric of a data source.
type value struct {
	*family
	number func(sample []byte) float64 // nil for slots, and to count events
	slots  func(dst []uint64, sample []byte) []uint64
}

// New returns a registry without metrics.
func New() *Registry { return &Registry{families: map[string]*family{}} }

// Add returns what counts the events of src, nil when the gadget does not request to
// count them.
func (r *Registry) Add(src *field.Source) (*Source, error) {
	if src.Annotations[annotationCollect] != "true" {
		return nil, nil
	}
	scope := cmp.Or(src.Annotations[annotationName], src.Name)
	s := &Source{registry: r, seriesByLabels: map[string][]*series{}, scope: []byte(scopeLabel)}
	s.scope = append(appendLabelText(s.scope, []byte(scope)), '"')
	if name := src.Annotations[annotationImplicitName]; name != "" {
		fam, err := r.family(&family{
			name: metricName(name, "", Counter), kind: Counter, help: src.Annotations[annotationImplicitAbout], plain: name,
		})
		if err != nil {
			return nil, err
		}
		s.values = append(s.values, value{family: fam})
	}
	for _, f := range src.All() {
		if err := s.field(f); err != nil {
			return nil, fmt.Errorf("field %q of data source %q: %w", f.FullName, src.Name, err)
		}
	}
	if len(s.values) == 0 {
		return nil, fmt.Errorf("data source %q has %s, but no field with %s and no %s",
			src.Name, annotationCollect, annotationType, annotationImplicitName)
	}
	return s, nil
}

// field adds the metric or label that f is.
func (s *Source) field(f *field.Field) error {
	kind := kindOf(f)
	slots := output.HistogramSlots(f)
	switch {
	case kind == "":
		return nil
	case kind == kindKey && f.Column() != nil:
		s.keys = append(s.keys, key{labelName(cmp.Or(f.Annotations[annotationName], f.FullName)), f.Column()})
		return nil
	case f.Number == nil && (kind != Histogram || slots == nil):
		return fmt.Errorf("a metric of type %s needs a number", kind)
	}
	name := cmp.Or(f.Annotations[annotationName], f.FullName)
	help := cmp.Or(f.Annotations[annotationDescription], f.Annotations[field.AnnotationDescription])
	unit := f.Annotations[annotationUnit]
	fam := &family{name: metricName(name, unit, kind), kind: kind, help: help, plain: name, unit: unit}
	var err error
	if kind == Histogram {
		if fam.boundaries, err = boundariesOf(f, slots != nil); err != nil {
			return err
		}
	}
	if fam, err = s.registry.family(fam); err != nil {
		return err
	}
	s.values = append(s.values, value{family: fam, slots: slots, number: numberOf(f)})
	return nil
}

// kindOf returns the metrics.type of f, that of its type unless it is annotated.
func kindOf(f *field.Field) string {
	if kind := f.Annotations[annotationType]; kind != "" {
		return kind
	}
	for _, t := range f.Types {
		if kind := typeKinds[t]; kind != "" && (f.Number != nil || f.Kind == field.Array) {
			return kind
		}
	}
	return ""
}

// numberOf returns the value of a number.
func numberOf(f *field.Field) func(sample []byte) float64 {
	read := f.Number
	switch f.Kind {
	case field.Int:
		return func(s []byte) float64 { return float64(int64(read(s))) }
	case field.Float:
		return func(s []byte) float64 { return math.Float64frombits(read(s)) }
	case field.Uint, field.Bool:
		return func(s []byte) float64 { return float64(read(s)) }
	}
	return nil
}

// defaultBoundaries are those of OpenTelemetry.
var defaultBoundaries = []float64{0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000}

// boundariesOf returns the upper ends of all buckets but the last, which has none.
func boundariesOf(f *field.Field, slots bool) ([]float64, error) {
	if slots {
		n := int(f.Size) / 4
		if slices.Contains(f.Types, "gadget_histogram_slot__u64") {
			n = int(f.Size) / 8
		}
		out := make([]float64, 0, n)
		for i := range n - 1 {
			out = append(out, math.Ldexp(1, i+1)-1)
		}
		return out, nil
	}
	list := f.Annotations[annotationBoundaries]
	if list == "" {
		return defaultBoundaries, nil
	}
	var out []float64
	for text := range strings.SplitSeq(list, ",") {
		b, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || math.IsNaN(b) || len(out) > 0 && b <= out[len(out)-1] {
			return nil, fmt.Errorf("annotation %s: %q is not a list of ascending numbers", annotationBoundaries, list)
		}
		out = append(out, b)
	}
	return out, nil
}

// family returns the metrics that are called like f, which are f for a new name.
func (r *Registry) family(f *family) (*family, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	registered := r.families[f.name]
	if registered == nil {
		f.series = map[string]*series{}
		r.families[f.name] = f
		return f, nil
	}
	if registered.kind != f.kind || !slices.Equal(registered.boundaries, f.boundaries) {
		return nil, fmt.Errorf("another metric of other type or boundaries is called %q, name this one with %s", f.name,
			annotationName)
	}
	return registered, nil
}

// Count counts one event.
func (s *Source) Count(sample []byte) {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	s.labels = append(s.labels[:0], s.scope...)
	for _, k := range s.keys {
		s.labels = append(append(append(s.labels, ','), k.name...), `="`...)
		s.text = k.text(s.text[:0], sample)
		s.labels = append(appendLabelText(s.labels, s.text), '"')
	}
	for i, m := range s.seriesOf() {
		s.slots = s.values[i].count(m, s.slots, sample)
	}
}

// seriesOf returns the series of s.labels, one for each value.
func (s *Source) seriesOf() []*series {
	if found, ok := s.seriesByLabels[string(s.labels)]; ok {
		return found
	}
	labels := string(s.labels)
	if len(s.seriesByLabels) >= maxSeries {
		labels = string(s.scope) + "," + overflowLabel
		if found, ok := s.seriesByLabels[labels]; ok {
			return found
		}
	}
	out := make([]*series, len(s.values))
	for i, v := range s.values {
		m := v.series[labels]
		if m == nil {
			m = &series{}
			if v.kind == Histogram {
				m.buckets = make([]uint64, len(v.boundaries)+1)
			}
			v.series[labels] = m
		}
		out[i] = m
	}
	s.seriesByLabels[labels] = out
	return out
}

// count adds sample to m, and returns slots for reuse.
func (v *value) count(m *series, slots []uint64, sample []byte) []uint64 {
	switch {
	case v.slots != nil:
		slots = v.slots(slots[:0], sample)
		for i, n := range slots {
			m.buckets[i] += n
			m.value += float64(n) * slotMiddle(i)
		}
	case v.number == nil:
		m.value++
	case v.kind == Gauge:
		m.value = v.number(sample)
	case v.kind == Counter:
		m.value += max(0, v.number(sample))
	default:
		n := v.number(sample)
		i, _ := slices.BinarySearch(v.boundaries, n)
		m.buckets[i]++
		m.value += n
	}
	return slots
}

// slotMiddle returns the value that represents those that slot i counts.
func slotMiddle(i int) float64 {
	if i == 0 {
		return 0.5
	}
	return (math.Ldexp(1, i) + math.Ldexp(1, i+1) - 1) / 2
}

// Append appends every metric in the text format of Prometheus, by name.
func (r *Registry) Append(dst []byte) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(r.families)) {
		f := r.families[name]
		if f.help != "" {
			dst = fmt.Appendf(dst, "# HELP %s %s\n", name, helpEscapes.Replace(f.help))
		}
		dst = fmt.Appendf(dst, "# TYPE %s %s\n", name, f.kind)
		for _, labels := range slices.Sorted(maps.Keys(f.series)) {
			dst = f.series[labels].append(dst, name, labels, f.boundaries)
		}
	}
	return dst
}
