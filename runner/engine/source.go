package engine

import (
	"fmt"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/runner/field"
)

// Sources returns the data sources in the order in which a Handler numbers
// them: p.Tracers, p.Iters, p.MapIters, p.Feeds.
func (p *Plan) Sources(md Metadata, env field.Env) ([]*field.Source, error) {
	out := make([]*field.Source, 0, len(p.Tracers))
	for _, t := range p.Tracers {
		src, err := buildSource(t.Name, t.Event, md, env)
		if err != nil {
			return nil, err
		}
		out = append(out, src)
	}
	add := func(name string, event *btf.Struct) error {
		src, err := buildSource(name, event, md, env)
		if err == nil {
			src.Array = true
			out = append(out, src)
		}
		return err
	}
	for _, it := range p.Iters {
		if err := add(it.Name, it.Event); err != nil {
			return nil, err
		}
	}
	for _, it := range p.MapIters {
		if err := add(it.Name, it.entry()); err != nil {
			return nil, err
		}
	}
	for _, f := range p.Feeds {
		if err := add(f.Name, f.Event); err != nil {
			return nil, err
		}
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
