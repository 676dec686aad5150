package gadgetapi

import (
	"maps"
	"slices"
	"strings"
)

// The names of operators that put fields into data sources.
const (
	ProviderContainers  = "containers"
	ProviderKernelStack = "kernelstack"
	ProviderUserStack   = "userstack"
	ProviderEnv         = "env"
	ProviderRest        = "rest"
)

// Provider is the part of an operator that is known before a gadget runs: the
// fields that it puts into a data source. Its other half, which gives them their
// values, is in the runner: runner/field where the value comes out of the event
// alone, runner/enrich for containers, runner/symbolizer for stacks.
type Provider struct {
	Name string
	Doc  string
	// provide puts the fields into src. It finds the fields of the event in
	// src.Fields.
	provide func(src *Source, b *builder)
}

// providers is the table, in the order in which operators work.
var providers = []Provider{
	{ProviderEnv, "variables of the runner's environment, for annotations env.fields.NAME", provideEnv},
	{ProviderRest, "the bytes after the struct of an event, for the annotation ebpf.rest.name", provideRest},
	{ProviderKernelStack, "names of the functions of a kernel stack", nil},
	{ProviderUserStack, "addresses, build ids and names of the functions of a user stack", provideUserStack},
	{ProviderContainers, "the container and pod that an event comes from", provideContainers},
}

// Providers returns the operators that put fields into data sources.
func Providers() []Provider { return slices.Clone(providers) }

// provided describes a field that a provider adds.
type provided struct {
	name        string // dotted, below the data source or the parent
	kind        FieldKind
	template    string
	shown       bool
	description string
	extra       map[string]string
}

// newField makes the field below parent, nil for the top of the data source. It
// does not put it anywhere.
func (b *builder) newField(provider string, parent *Field, p provided) *Field {
	f := &Field{
		Name: p.name, FullName: p.name, Kind: p.kind, Parent: parent, Provider: provider, Annotations: Template(p.template),
	}
	if parent != nil {
		f.FullName = parent.FullName + "." + p.name
	}
	if p.kind != String && p.kind != Struct {
		f.Size = 8
	}
	if f.Annotations == nil {
		f.Annotations = map[string]string{}
	}
	maps.Copy(f.Annotations, p.extra)
	if !p.shown {
		f.Annotations[AnnotationHidden] = "true"
	}
	if p.description != "" {
		f.Annotations[AnnotationDescription] = p.description
	}
	b.annotateByName(f)
	return f
}

func provideEnv(src *Source, b *builder) {
	for _, key := range slices.Sorted(maps.Keys(src.Annotations)) {
		name, ok := strings.CutPrefix(key, EnvFieldPrefix)
		if ok && name != "" && src.Lookup(name) == nil {
			src.Fields = append(src.Fields, b.newField(ProviderEnv, nil, provided{name: name, kind: String, shown: true}))
		}
	}
}

func provideRest(src *Source, b *builder) {
	name := src.Annotations[AnnotationRestName]
	if src.Kind == Tracer && name != "" && src.Lookup(name) == nil {
		src.Fields = append(src.Fields, b.newField(ProviderRest, nil, provided{name: name, kind: String}))
	}
}

// standIn lets gadget.yaml say under the name of user stack f without "_raw" what it
// says about the text of the stack, as it does for other fields that have a text:
// other runners take such a name, too.
func (b *builder) standIn(f *Field) {
	name, ok := strings.CutSuffix(f.FullName, rawSuffix)
	if !ok || b.src.Lookup(name) != nil {
		return
	}
	b.src.Foreign = append(b.src.Foreign, name)
	symbols := f.Child(func(c *Field) bool { return c.Provider == ProviderUserStack && c.Name == "symbols" })
	for key, value := range b.opts.DataSource.Fields[name] {
		if !b.decides(symbols, key) {
			symbols.Annotations[key] = value
		}
	}
}

func provideUserStack(src *Source, b *builder) {
	for _, f := range src.All() {
		if !f.HasType(TypeUserStack) || f.Kind != Struct {
			continue
		}
		for _, p := range []provided{
			{name: "addresses", kind: String, description: "Addresses of the functions"},
			{name: "buildid", kind: String, description: "Build ids of the files, and offsets in them"},
			{name: "symbols", kind: String, description: "Names of the functions"},
		} {
			f.Children = append(f.Children, b.newField(ProviderUserStack, f, p))
		}
		b.standIn(f)
	}
}
