package gadget

import (
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

func (p *Program) options() gadgetapi.ProgramOptions {
	out := gadgetapi.ProgramOptions{AttachTo: p.AttachTo, Frequency: p.Frequency, Period: p.Period}
	if p.Perf != nil {
		out.PerfType, out.PerfConfig = p.Perf.Type, p.Perf.Config
	}
	return out
}
