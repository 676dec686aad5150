// Package engine runs the object of a gadget: it loads and attaches what the
// gadgetapi.Spec specifies, and passes on the events as raw samples.
package engine

import (
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/field"
)

// Sources returns the data sources of plan with their decoders, and those of
// feeds after them, in the order in which a Handler numbers them.
func Sources(plan *gadgetapi.Spec, md gadgetapi.Metadata, env field.Env, feeds ...Feed) ([]*field.Source, error) {
	c := env.Containers
	opts := gadgetapi.DescribeOptions{NoContainers: c == nil, ShowContainer: c != nil && c.Show}
	descs, err := plan.Sources(md, opts)
	if err != nil {
		return nil, err
	}
	for _, f := range feeds {
		opts.Name, opts.Kind, opts.DataSource = f.Name, gadgetapi.Iterator, md.DataSources[f.Name]
		if f.Follow != nil {
			opts.Kind = gadgetapi.Tracer
		}
		d, err := gadgetapi.Describe(f.Event, opts)
		if err != nil {
			return nil, fmt.Errorf("data source %q: %w", f.Name, err)
		}
		descs = append(descs, d)
	}
	out := make([]*field.Source, len(descs))
	for i, d := range descs {
		out[i] = field.New(d, env)
		out[i].Finish()
	}
	return out, nil
}
