package gadget

import (
	"maps"

	"gopkg.in/yaml.v3"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// API returns the part of the metadata that gives an object its meaning.
func (md *Metadata) API() gadgetapi.Metadata {
	out := gadgetapi.Metadata{
		Name: md.Name, Description: md.Description, Annotations: md.Annotations, ParamDefaults: md.ParamDefaults,
		DataSources: make(map[string]gadgetapi.DataSource, len(md.DataSources)),
		Params:      make(map[string]gadgetapi.ParamMetadata, len(md.EBPFParams)),
		Programs:    make(map[string]gadgetapi.ProgramOptions, len(md.Programs)),
		Operators:   make(map[string][]byte, len(md.Operators)),
	}
	for name, ds := range md.DataSources {
		fields := make(map[string]map[string]string, len(ds.Fields))
		for f, v := range ds.Fields {
			fields[f] = v.Annotations
		}
		out.DataSources[name] = gadgetapi.DataSource{Annotations: ds.Annotations, Fields: fields}
	}
	for _, o := range gadgetapi.OperatorSources() {
		if md.Operators[o.Operator] != nil {
			out.DataSources[o.Name] = hideMembers(o, out.DataSources[o.Name])
		}
	}
	for name, p := range md.EBPFParams {
		out.Params[name] = gadgetapi.ParamMetadata{
			Key: p.Key, Default: p.DefaultValue, Title: p.Title, Description: p.Description,
			Alias: p.Alias, AlternativeKey: p.AlternativeKey, Mandatory: p.IsMandatory, PossibleValues: p.PossibleValues,
		}
	}
	for name, p := range md.Programs {
		out.Programs[name] = p.options()
	}
	for name, n := range md.Operators {
		if text, err := yaml.Marshal(n); err == nil {
			out.Operators[name] = text
		}
	}
	return out
}

// hideMembers hides the members of a data source that the table hides, unless gadget.yaml
// decides about them.
func hideMembers(o gadgetapi.OperatorSource, ds gadgetapi.DataSource) gadgetapi.DataSource {
	for _, m := range o.Members {
		if !m.Hidden || ds.Fields[m.Name][gadgetapi.AnnotationHidden] != "" {
			continue
		}
		if ds.Fields == nil {
			ds.Fields = map[string]map[string]string{}
		}
		own := map[string]string{gadgetapi.AnnotationHidden: "true"}
		maps.Copy(own, ds.Fields[m.Name])
		ds.Fields[m.Name] = own
	}
	return ds
}

func (p *Program) options() gadgetapi.ProgramOptions {
	out := gadgetapi.ProgramOptions{AttachTo: p.AttachTo, Frequency: p.Frequency, Period: p.Period}
	if p.Perf != nil {
		out.PerfType, out.PerfConfig = p.Perf.Type, p.Perf.Config
	}
	return out
}
