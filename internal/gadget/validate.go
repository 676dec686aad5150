package gadget

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

// Validation is what gadget.yaml is checked against.
type Validation struct {
	// Object is the object's bytes; empty for a gadget without program.
	Object []byte
	// Wasm says that the gadget has a wasm module, which may add data sources
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
	if len(v.Object) > 0 {
		r.against(v)
	}
	r.programsWithout(len(v.Object) > 0)
	return r.problems.sorted()
}

type validator struct {
	yamlReader
	md     *Metadata
	object *Object
	wasm   bool
}

// against checks everything for which the object is needed.
func (r *validator) against(v Validation) {
	o, err := ReadObject(v.Object)
	if err != nil {
		r.problems = append(r.problems, Problem{File: ObjectFile, Text: err.Error(), Warning: v.Lenient})
		return
	}
	r.object = o
	for _, p := range o.Check() {
		p.Warning = v.Lenient
		r.problems = append(r.problems, p)
	}
	for _, name := range keys(r.md.DataSources) {
		r.source(name, r.md.DataSources[name])
	}
	for _, name := range keys(r.md.EBPFParams) {
		r.param(name, r.md.EBPFParams[name])
	}
	for _, name := range o.Params {
		r.declaredParam(name)
	}
	for _, name := range keys(r.md.Programs) {
		r.program(name, r.md.Programs[name])
	}
}

// source checks one data source of gadget.yaml.
func (r *validator) source(name string, ds *DataSource) {
	s, ok := r.object.Source(name)
	if !ok {
		if !r.wasm && !r.fromOperator(name) {
			r.doubt(ds.node, "the object has no data source %q, %s", name, nearest.Advice(name, r.sourceNames()))
		}
		return
	}
	set := fieldsAtRunTime(s, ds)
	for _, field := range keys(ds.Fields) {
		node := ds.Fields[field].node
		switch {
		case set.has(field):
		case set.private[field]:
			r.doubt(node, "field %q of data source %q is private because of \"__\", remove it here or rename it in the struct", field, name)
		case !r.wasm:
			r.doubt(node, "data source %q has no field %q, %s", name, field, nearest.Advice(field, keys(set.names)))
		}
	}
}

// operatorSources are data sources that an operator adds when it is told to.
var operatorSources = map[string]string{"bpfstats": "ebpf", "processes": "process", "cgroups": "cgroup"}

// containersAnnotation asks for the data source "containers".
const containersAnnotation = "enable-containers-datasource"

func (r *validator) fromOperator(name string) bool {
	if name == "containers" {
		return r.md.Annotations[containersAnnotation] != ""
	}
	_, ok := r.md.Operators[operatorSources[name]]
	return ok
}

func (r *validator) sourceNames() []string {
	out := []string{}
	for _, s := range r.object.Sources {
		out = append(out, s.Name)
	}
	return out
}

// param checks one entry of params.ebpf.
func (r *validator) param(name string, p *Param) {
	v, ok := r.object.vars[name]
	if !ok {
		r.doubt(p.node, "the object has no variable %q for this parameter, %s", name, nearest.Advice(name, r.object.Params))
		return
	}
	if !slices.Contains(r.object.Params, name) {
		r.doubt(p.node, "variable %q is not marked as a parameter, add GADGET_PARAM(%s)", name, name)
		return
	}
	if !p.set || strings.Contains(p.DefaultValue, "{{") || p.DefaultValue == "" {
		return
	}
	if want := checkParamValue(v, p.DefaultValue); want != "" {
		r.doubt(p.node, "defaultValue of param %q is %q, use %s", name, p.DefaultValue, want)
	}
	if len(p.PossibleValues) > 0 && !slices.Contains(p.PossibleValues, p.DefaultValue) {
		r.doubt(p.node, "defaultValue of param %q is %q, use one of its possibleValues: %s", name, p.DefaultValue, strings.Join(p.PossibleValues, ", "))
	}
}

// declaredParam checks a variable that the object marks as parameter.
func (r *validator) declaredParam(name string) {
	v, ok := r.object.vars[name]
	if !ok {
		r.objectDoubt("GADGET_PARAM(%s) marks a variable that does not exist or that no program reads, declare and use it", name)
		return
	}
	if wrong := checkParamVar(v); wrong != "" {
		r.objectDoubt("%s", wrong)
	}
}

func (r *validator) objectDoubt(format string, args ...any) {
	r.problems = append(r.problems, Problem{File: ObjectFile, Text: fmt.Sprintf(format, args...), Warning: r.lenient})
}

// program checks one entry of programs: a function, or the part of a section
// name after the slash.
func (r *validator) program(name string, p *Program) {
	if _, ok := r.object.Spec.Programs[name]; ok {
		return
	}
	known := r.object.programNames()
	for _, spec := range r.object.Spec.Programs {
		if _, rest, ok := strings.Cut(spec.SectionName, "/"); ok && rest == name {
			return
		}
	}
	r.doubt(p.node, "the object has no program %q, %s", name, nearest.Advice(name, known))
}

// programsWithout refuses entries that need an object in a gadget without one.
func (r *validator) programsWithout(hasObject bool) {
	if hasObject {
		return
	}
	for _, name := range keys(r.md.EBPFParams) {
		r.doubt(r.md.EBPFParams[name].node, "params.ebpf has %q, but the gadget has no program, remove it", name)
	}
	for _, name := range keys(r.md.Programs) {
		r.doubt(r.md.Programs[name].node, "programs has %q, but the gadget has no program, remove it", name)
	}
}
