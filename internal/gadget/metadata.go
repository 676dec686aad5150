package gadget

import (
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// Metadata is the typed content of gadget.yaml. Names (of data sources,
// fields, variables, programs, annotations) are as written; structural keys
// are case-insensitive.
type Metadata struct {
	Name             string
	Description      string
	HomepageURL      string
	DocumentationURL string
	SourceURL        string
	// Annotations become annotations of the artifact.
	Annotations map[string]string
	// DataSources by name.
	DataSources map[string]*DataSource
	// EBPFParams by C variable (params.ebpf and the older ebpfParams).
	EBPFParams map[string]*Param
	// WasmParams by name.
	WasmParams map[string]*Param
	// CustomParams by name.
	CustomParams map[string]*CustomParam
	// Programs by name of the C function.
	Programs map[string]*Program
	// Operators holds the settings of each operator, by its name.
	Operators map[string]*yaml.Node
	// ParamDefaults by qualified name of the param.
	ParamDefaults map[string]string

	file     string
	defaults map[string]*yaml.Node // the names of ParamDefaults
}

// DataSource is what gadget.yaml specifies for a data source.
type DataSource struct {
	Annotations map[string]string
	// Fields by name, dotted for nested ones.
	Fields map[string]*Field

	node *yaml.Node
}

// Field is what gadget.yaml specifies for a field of a data source.
type Field struct {
	Annotations map[string]string

	node *yaml.Node
}

// Param is a parameter of a gadget.
type Param struct {
	// Key is the name of the flag; empty means the variable's own name.
	Key            string
	AlternativeKey string
	DefaultValue   string
	Description    string
	Alias          string
	Title          string
	ValueHint      string
	Type           string
	Tags           []string
	PossibleValues []string
	IsMandatory    bool
	Annotations    map[string]string

	node *yaml.Node
	set  bool // defaultValue is written
}

// CustomParam is a parameter whose values patch the metadata.
type CustomParam struct {
	Param
	// Patch is applied for any value; it may be a template.
	Patch *yaml.Node
	// Values holds the patch of each value.
	Values map[string]*yaml.Node
}

// Program is what gadget.yaml specifies for a program.
type Program struct {
	// AttachTo replaces the attach target of the section name.
	AttachTo string
	// Perf configures a perf_event program.
	Perf *PerfEvent
	// Frequency and Period are those of the sampler, as written.
	Frequency, Period string

	node *yaml.Node
}

// PerfEvent is the perf event that a perf_event program is attached to.
type PerfEvent struct {
	Type, Config, SampleType string
}

// ParseMetadata reads gadget.yaml from data; name is for messages. Unknown
// keys and annotations are errors when strict, else warnings; wrong types are
// errors always. The Metadata is never nil and holds what could be read.
func ParseMetadata(data []byte, name string, strict bool) (*Metadata, Problems) {
	r := &metadataReader{yamlReader{file: name, lenient: !strict}, newMetadata(name)}
	if len(data) > MaxConfig {
		r.fail(nil, "it has %d bytes, the limit is %d", len(data), MaxConfig)
		return r.md, r.problems
	}
	r.root(r.document(data))
	return r.md, r.problems.sorted()
}

func newMetadata(name string) *Metadata {
	return &Metadata{
		Annotations:   map[string]string{},
		DataSources:   map[string]*DataSource{},
		EBPFParams:    map[string]*Param{},
		WasmParams:    map[string]*Param{},
		CustomParams:  map[string]*CustomParam{},
		Programs:      map[string]*Program{},
		Operators:     map[string]*yaml.Node{},
		ParamDefaults: map[string]string{},
		file:          name,
		defaults:      map[string]*yaml.Node{},
	}
}

// metadataReader fills a Metadata from nodes.
type metadataReader struct {
	yamlReader
	md *Metadata
}

// into returns a reader of a string key.
func (r *yamlReader) into(dst *string, what string) func(*yaml.Node) {
	return func(n *yaml.Node) { *dst = r.text(n, what) }
}

func (r *metadataReader) root(n *yaml.Node) {
	md := r.md
	r.keyed(n, "gadget.yaml", rootKeys, map[string]func(*yaml.Node){
		"name":             r.into(&md.Name, "name"),
		"description":      r.into(&md.Description, "description"),
		"homepageURL":      r.into(&md.HomepageURL, "homepageURL"),
		"documentationURL": r.into(&md.DocumentationURL, "documentationURL"),
		"sourceURL":        r.into(&md.SourceURL, "sourceURL"),
		"annotations":      func(n *yaml.Node) { md.Annotations = r.strings(n, "annotations") },
		"datasources":      r.dataSources,
		"params":           r.params,
		"ebpfParams":       func(n *yaml.Node) { r.paramMap(n, "ebpfParams", md.EBPFParams) },
		"programs":         r.programs,
		"operator": func(n *yaml.Node) {
			r.pairs(n, "operator", func(k, v *yaml.Node) { md.Operators[k.Value] = v })
		},
		"paramDefaults": r.paramDefaults,
	})
}

func (r *metadataReader) paramDefaults(n *yaml.Node) {
	r.pairs(n, "paramDefaults", func(key, value *yaml.Node) {
		r.md.ParamDefaults[key.Value] = r.text(value, fmt.Sprintf("paramDefaults %q", key.Value))
		r.md.defaults[key.Value] = key
	})
}

func (r *metadataReader) dataSources(n *yaml.Node) {
	r.pairs(n, "datasources", func(key, value *yaml.Node) {
		what := fmt.Sprintf("data source %q", key.Value)
		ds := &DataSource{Annotations: map[string]string{}, Fields: map[string]*Field{}, node: key}
		r.md.DataSources[key.Value] = ds
		r.keyed(value, what, sourceKeys, map[string]func(*yaml.Node){
			"annotations": func(n *yaml.Node) {
				r.annotations(n, what, false, ds.Annotations)
			},
			"fields": func(n *yaml.Node) { r.fieldMap(n, what, ds) },
		})
	})
}

func (r *metadataReader) fieldMap(n *yaml.Node, source string, ds *DataSource) {
	r.pairs(n, "fields of "+source, func(key, value *yaml.Node) {
		what := fmt.Sprintf("field %q of %s", key.Value, source)
		f := &Field{Annotations: map[string]string{}, node: key}
		ds.Fields[key.Value] = f
		r.keyed(value, what, fieldKeys, map[string]func(*yaml.Node){
			"annotations": func(n *yaml.Node) {
				r.annotations(n, what, true, f.Annotations)
			},
		})
	})
}

// annotations reads n into dst, known keys in their canonical case.
func (r *metadataReader) annotations(n *yaml.Node, what string, ofField bool, dst map[string]string) {
	r.pairs(n, "annotations of "+what, func(key, value *yaml.Node) {
		text := r.text(value, fmt.Sprintf("annotation %q of %s", key.Value, what))
		name, err := gadgetapi.CheckAnnotation(ofField, key.Value, text)
		if err != nil && value.Kind == yaml.ScalarNode {
			r.warn(key, "%s: %v", what, err)
		}
		dst[name] = text
	})
}

func (r *metadataReader) params(n *yaml.Node) {
	r.keyed(n, "params", paramsKeys, map[string]func(*yaml.Node){
		"ebpf":   func(n *yaml.Node) { r.paramMap(n, "params.ebpf", r.md.EBPFParams) },
		"wasm":   func(n *yaml.Node) { r.paramMap(n, "params.wasm", r.md.WasmParams) },
		"custom": r.customParams,
	})
}

func (r *metadataReader) paramMap(n *yaml.Node, what string, dst map[string]*Param) {
	r.pairs(n, what, func(key, value *yaml.Node) {
		p := &Param{node: key}
		dst[key.Value] = p
		r.keyed(value, fmt.Sprintf("%s.%s", what, key.Value), paramKeys, r.paramFields(p, key.Value))
	})
}

func (r *metadataReader) paramFields(p *Param, name string) map[string]func(*yaml.Node) {
	what := func(key string) string { return fmt.Sprintf("%s of param %q", key, name) }
	return map[string]func(*yaml.Node){
		"key":            r.into(&p.Key, what("key")),
		"alternativeKey": r.into(&p.AlternativeKey, what("alternativeKey")),
		"description":    r.into(&p.Description, what("description")),
		"alias":          r.into(&p.Alias, what("alias")),
		"title":          r.into(&p.Title, what("title")),
		"valueHint":      r.into(&p.ValueHint, what("valueHint")),
		"type":           r.into(&p.Type, what("type")),
		"defaultValue": func(n *yaml.Node) {
			p.DefaultValue, p.set = r.text(n, what("defaultValue")), !isNull(n)
		},
		"isMandatory":    func(n *yaml.Node) { p.IsMandatory = r.boolean(n, what("isMandatory")) },
		"tags":           func(n *yaml.Node) { p.Tags = r.list(n, what("tags")) },
		"possibleValues": func(n *yaml.Node) { p.PossibleValues = r.list(n, what("possibleValues")) },
		"annotations":    func(n *yaml.Node) { p.Annotations = r.strings(n, what("annotations")) },
	}
}

func (r *metadataReader) customParams(n *yaml.Node) {
	r.pairs(n, "params.custom", func(key, value *yaml.Node) {
		c := &CustomParam{Param: Param{node: key}, Values: map[string]*yaml.Node{}}
		r.md.CustomParams[key.Value] = c
		readers := r.paramFields(&c.Param, key.Value)
		readers["patch"] = func(n *yaml.Node) { c.Patch = n }
		readers["values"] = func(n *yaml.Node) { r.customValues(n, key.Value, c) }
		r.keyed(value, "params.custom."+key.Value, slices.Concat(paramKeys, customKeys), readers)
	})
}

func (r *metadataReader) customValues(n *yaml.Node, name string, c *CustomParam) {
	r.pairs(n, fmt.Sprintf("values of param %q", name), func(key, value *yaml.Node) {
		what := fmt.Sprintf("value %q of param %q", key.Value, name)
		c.Values[key.Value] = nil
		var description string
		r.keyed(value, what, valueKeys, map[string]func(*yaml.Node){
			"patch":       func(n *yaml.Node) { c.Values[key.Value] = n },
			"description": r.into(&description, "description of "+what),
		})
	})
}

func (r *metadataReader) programs(n *yaml.Node) {
	r.pairs(n, "programs", func(key, value *yaml.Node) {
		p := &Program{node: key}
		r.md.Programs[key.Value] = p
		what := fmt.Sprintf("program %q", key.Value)
		r.keyed(value, what, programKeys, map[string]func(*yaml.Node){
			"attach_to": r.into(&p.AttachTo, "attach_to of "+what),
			"perf": func(n *yaml.Node) {
				p.Perf = &PerfEvent{}
				r.keyed(n, "perf of "+what, perfKeys, map[string]func(*yaml.Node){
					"type":       r.into(&p.Perf.Type, "perf type of "+what),
					"config":     r.into(&p.Perf.Config, "perf config of "+what),
					"sampleType": r.into(&p.Perf.SampleType, "sampleType of "+what),
				})
			},
			"sampler": func(n *yaml.Node) {
				r.keyed(n, "sampler of "+what, samplerKeys, map[string]func(*yaml.Node){
					"frequency": r.into(&p.Frequency, "frequency of "+what),
					"period":    r.into(&p.Period, "period of "+what),
				})
			},
		})
	})
}
