package engine

import "github.com/rules-gadget/rules_gadget/internal/gadget"

// Metadata is the part of gadget.yaml that the engine acts on. The zero
// Metadata is that of a gadget without gadget.yaml.
type Metadata struct {
	Name        string
	Description string
	DataSources map[string]DataSourceMetadata // by name
	Params      map[string]ParamMetadata      // by C variable
	AttachTo    map[string]string             // by C program
}

// DataSourceMetadata is what gadget.yaml says about a data source.
type DataSourceMetadata struct {
	Annotations map[string]string
	Fields      map[string]map[string]string // annotations by full field name
}

// ParamMetadata is what gadget.yaml says about a parameter.
type ParamMetadata struct {
	Key, Default, Title, Description, Alias string
	Mandatory                               bool
	PossibleValues                          []string
}

// MetadataOf returns the part of md that the engine acts on.
func MetadataOf(md *gadget.Metadata) Metadata {
	out := Metadata{
		Name:        md.Name,
		Description: md.Description,
		DataSources: make(map[string]DataSourceMetadata, len(md.DataSources)),
		Params:      make(map[string]ParamMetadata, len(md.EBPFParams)),
		AttachTo:    make(map[string]string, len(md.Programs)),
	}
	for name, ds := range md.DataSources {
		fields := make(map[string]map[string]string, len(ds.Fields))
		for f, v := range ds.Fields {
			fields[f] = v.Annotations
		}
		out.DataSources[name] = DataSourceMetadata{Annotations: ds.Annotations, Fields: fields}
	}
	for name, p := range md.EBPFParams {
		out.Params[name] = ParamMetadata{
			Key: p.Key, Default: p.DefaultValue, Title: p.Title, Description: p.Description,
			Alias: p.Alias, Mandatory: p.IsMandatory, PossibleValues: p.PossibleValues,
		}
	}
	for name, p := range md.Programs {
		out.AttachTo[name] = p.AttachTo
	}
	return out
}
