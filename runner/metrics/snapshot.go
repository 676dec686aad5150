package metrics

import (
	"maps"
	"slices"
	"strings"
)

// Family are the metrics with one name, as OpenTelemetry has them.
type Family struct {
	// Name, Unit (of UCUM) and Help are those of the annotations.
	Name, Unit, Help string
	// Kind is Counter, Gauge or Histogram.
	Kind string
	// Boundaries are the upper ends of the buckets of a histogram; the last bucket
	// has none.
	Boundaries []float64
	Points     []Point
}

// Point is the value of one metric.
type Point struct {
	// Scope is the name of the data source.
	Scope string
	// Attributes are the keys with their values.
	Attributes [][2]string
	// Value is the value, the sum of a histogram.
	Value float64
	// Buckets count the values of a histogram.
	Buckets []uint64
}

// Snapshot returns a copy of all metrics, in the order of their names and labels.
func (r *Registry) Snapshot() []Family {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Family, 0, len(r.families))
	for _, name := range slices.Sorted(maps.Keys(r.families)) {
		f := r.families[name]
		family := Family{Name: f.plain, Unit: f.unit, Help: f.help, Kind: f.kind, Boundaries: f.boundaries}
		for _, labels := range slices.Sorted(maps.Keys(f.series)) {
			m := f.series[labels]
			p := Point{Value: m.value, Buckets: slices.Clone(m.buckets)}
			p.Scope, p.Attributes = readLabels(labels)
			family.Points = append(family.Points, p)
		}
		out = append(out, family)
	}
	return out
}

// readLabels reads what Count writes: the label of the scope, then the others.
func readLabels(labels string) (scope string, attributes [][2]string) {
	for first := true; labels != ""; first = false {
		name, rest, _ := strings.Cut(labels, `="`)
		var value []byte
		i := 0
		for ; i < len(rest) && rest[i] != '"'; i++ {
			c := rest[i]
			if c == '\\' && i+1 < len(rest) {
				if i++; rest[i] == 'n' {
					c = '\n'
				} else {
					c = rest[i]
				}
			}
			value = append(value, c)
		}
		labels = strings.TrimPrefix(rest[min(i+1, len(rest)):], ",")
		if first {
			scope = string(value)
			continue
		}
		attributes = append(attributes, [2]string{name, string(value)})
	}
	return scope, attributes
}
