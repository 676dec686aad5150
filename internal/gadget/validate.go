package gadget

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

// Validation is what gadget.yaml is checked against.
type Validation struct {
	// Object is the object's bytes; empty for a gadget without program.
	Object []byte
	// Wasm means that the gadget has a wasm module, which may add data sources
	// and fields that the object does not know.
	Wasm bool
	// Lenient makes warnings of all that is found.
	Lenient bool
}

// ValidateMetadata checks md and the object's own declarations against the
// object's BTF: data sources, fields, parameters with their defaults, programs,
// maps and types.
func ValidateMetadata(md *Metadata, v Validation) Problems {
	r := &validator{yamlReader: yamlReader{file: md.file, lenient: v.Lenient}, md: md, wasm: v.Wasm}
	r.against(v)
	r.programsWithout(len(v.Object) > 0)
	r.paramDefaults()
	return r.problems.sorted()
}

type validator struct {
	yamlReader
	md      *Metadata
	spec    *gadgetapi.Spec
	sources map[string]*gadgetapi.Source
	wasm    bool
	// owner is what has data sources, for messages.
	owner string
}

// against checks everything for which the object, or what operators fill, is needed.
func (r *validator) against(v Validation) {
	spec := gadgetapi.Empty()
	var err error
	r.owner = "the gadget"
	if len(v.Object) > 0 {
		r.owner = "the object"
		spec, err = readSpec(v.Object, r.md.API())
	}
	if err != nil {
		r.problems = append(r.problems, Problem{File: ObjectFile, Text: err.Error(), Warning: v.Lenient})
		return
	}
	if r.sources, err = sourcesOf(r.md, spec); err != nil {
		r.problems = append(r.problems, Problem{File: r.file, Text: err.Error(), Warning: v.Lenient})
		return
	}
	r.problems = append(r.problems, objectProblems(spec, v.Lenient)...)
	for _, name := range keys(r.md.DataSources) {
		r.source(name, r.md.DataSources[name], spec)
	}
	if len(v.Object) == 0 {
		return
	}
	r.spec = spec
	for _, name := range keys(r.md.EBPFParams) {
		r.param(name, r.md.EBPFParams[name])
	}
	for _, name := range keys(r.md.Programs) {
		r.program(name, r.md.Programs[name])
	}
}

// objectProblems returns what is wrong with the object itself.
func objectProblems(spec *gadgetapi.Spec, lenient bool) Problems {
	var out Problems
	for _, p := range spec.Problems() {
		out = append(out, Problem{File: ObjectFile, Text: p.Text, Warning: p.Warning || lenient})
	}
	return out
}

// readSpec reads what an object offers.
func readSpec(object []byte, md gadgetapi.Metadata) (*gadgetapi.Spec, error) {
	if err := CheckObject(object); err != nil {
		return nil, fmt.Errorf("reading object: %w", err)
	}
	return gadgetapi.Read(object, md)
}

// sourcesOf returns the data sources of an object and of operators by name.
func sourcesOf(md *Metadata, spec *gadgetapi.Spec) (map[string]*gadgetapi.Source, error) {
	sources, err := md.Sources(spec, gadgetapi.DescribeOptions{})
	if err != nil {
		return nil, err
	}
	out := map[string]*gadgetapi.Source{}
	for _, s := range sources {
		out[s.Name] = s
	}
	return out, nil
}

// source checks one data source of gadget.yaml.
func (r *validator) source(name string, ds *DataSource, spec *gadgetapi.Spec) {
	src, ok := r.sources[name]
	if !ok {
		if !r.wasm && !r.fromOperator(name) && spec.Table(name) == nil {
			r.warn(ds.node, "%s has no data source %q, %s", r.owner, name, nearest.Advice(name, keys(r.sources)))
		}
		return
	}
	for _, field := range keys(ds.Fields) {
		if src.Lookup(field) == nil && !src.IsForeign(field) {
			r.missingField(src, field, ds.Fields[field].node)
		}
	}
}

// missingField explains why a data source has no such field.
func (r *validator) missingField(src *gadgetapi.Source, field string, node *yaml.Node) {
	for _, u := range src.Unshown {
		switch {
		case u.FullName != field:
		case u.Private:
			r.warn(node, "field %q of data source %q is private because of \"__\", remove it here or rename it in the struct",
				field, src.Name)
			return
		default:
			r.warn(node, "field %q of data source %q is not shown: %s", field, src.Name, u.Why)
			return
		}
	}
	if !r.wasm {
		r.warn(node, "data source %q has no field %q, %s", src.Name, field, nearest.Advice(field, fieldNames(src)))
	}
}

// fieldNames returns the names of the fields of the events of src, sorted.
func fieldNames(src *gadgetapi.Source) []string {
	var out []string
	for _, f := range src.All() {
		if f.Provider != gadgetapi.ProviderContainers {
			out = append(out, f.FullName)
		}
	}
	slices.Sort(out)
	return out
}

// fromOperator reports whether gadget.yaml names the operator that could fill the data
// source.
func (r *validator) fromOperator(name string) bool {
	o := gadgetapi.OperatorSourceNamed(name)
	if o == nil {
		return false
	}
	_, ok := r.md.Operators[o.Operator]
	return ok || o.Annotation != "" && r.md.Annotations[o.Annotation] != ""
}

// param checks one entry of params.ebpf.
func (r *validator) param(name string, p *Param) {
	if r.spec.Variable(name) == nil {
		r.warn(p.node, "the object has no variable %q for this parameter, %s", name, nearest.Advice(name, r.spec.Marked()))
		return
	}
	par := r.spec.Param(name)
	if par == nil {
		if !slices.Contains(r.spec.Marked(), name) {
			r.warn(p.node, "variable %q is not marked as a parameter, add GADGET_PARAM(%s)", name, name)
		}
		return
	}
	if !p.set || strings.Contains(p.DefaultValue, "{{") || p.DefaultValue == "" {
		return
	}
	if want := par.Want(p.DefaultValue); want != "" {
		r.warn(p.node, "defaultValue of param %q is %q, use %s", name, p.DefaultValue, want)
	}
	if len(p.PossibleValues) > 0 && !slices.Contains(p.PossibleValues, p.DefaultValue) {
		r.warn(p.node, "defaultValue of param %q is %q, use one of its possibleValues: %s", name, p.DefaultValue,
			strings.Join(p.PossibleValues, ", "))
	}
}

// program checks one entry of programs: a function, or the part of a section
// name after the slash.
func (r *validator) program(name string, p *Program) {
	programs := r.spec.ProgramNames()
	if slices.Contains(programs, name) {
		return
	}
	for _, pr := range r.spec.Programs {
		if _, rest, ok := strings.Cut(pr.Section, "/"); ok && rest == name {
			return
		}
	}
	r.warn(p.node, "the object has no program %q, %s", name, nearest.Advice(name, programs))
}

// programsWithout refuses entries that need an object in a gadget without one.
func (r *validator) programsWithout(hasObject bool) {
	if hasObject {
		return
	}
	for _, name := range keys(r.md.EBPFParams) {
		r.warn(r.md.EBPFParams[name].node, "params.ebpf has %q, but the gadget has no program, remove it", name)
	}
	for _, name := range keys(r.md.Programs) {
		r.warn(r.md.Programs[name].node, "programs has %q, but the gadget has no program, remove it", name)
	}
}

// keys returns the keys of m, sorted.
func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
