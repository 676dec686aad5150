package engine

import (
	"fmt"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/runner/field"
)

// Sources returns the data source of each tracer, in the order of p.Tracers.
func (p *Plan) Sources(md Metadata, env field.Env) ([]*field.Source, error) {
	out := make([]*field.Source, 0, len(p.Tracers))
	for _, t := range p.Tracers {
		src, err := buildSource(t.Name, t.Event, md, env)
		if err != nil {
			return nil, err
		}
		out = append(out, src)
	}
	return out, nil
}

func buildSource(name string, event *btf.Struct, md Metadata, env field.Env) (*field.Source, error) {
	ds := md.DataSources[name]
	src, err := field.Build(event, field.Options{Name: name, Annotations: ds.Annotations, Fields: ds.Fields, Env: env})
	if err != nil {
		return nil, fmt.Errorf("data source %q: %w", name, err)
	}
	return src, nil
}
