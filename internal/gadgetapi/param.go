package gadgetapi

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

// ParamType is the kind of values that a parameter takes.
type ParamType string

// The types of parameters, as help texts name them.
const (
	ParamBool   ParamType = "bool"
	ParamInt    ParamType = "int"
	ParamUint   ParamType = "uint"
	ParamFloat  ParamType = "float"
	ParamString ParamType = "string"
	ParamIP     ParamType = "ip"
)

// MaxEntriesSuffix ends the name of a parameter that sizes a map.
const MaxEntriesSuffix = "_max_entries"

// The qualifiers before the name of a parameter of the object, and of the wasm
// program, in paramDefaults and on the command lines of other runners.
const (
	ParamQualifier     = "operator.oci.ebpf."
	WasmParamQualifier = "operator.oci.wasm."
)

// The parameters of gadgets with maps that are read again and again.
const (
	ParamMapInterval = "map-fetch-interval"
	ParamMapCount    = "map-fetch-count"
)

// The parameters of data sources that operators fill: after the qualifier of the
// operator, "operator.process.". ParamStatsInterval is another name of
// ParamFeedInterval.
const (
	ParamFeedInterval  = "interval"
	ParamFeedCount     = "count"
	ParamStatsInterval = "statistics-interval"
)

// PacketFilterParam returns the parameter of a packet filter: "pf" for the one
// without name, that of another has the name after a hyphen.
func PacketFilterParam(name string) string {
	if name == "" {
		return "pf"
	}
	return "pf-" + name
}

// maxParamSize is the largest constant that can be set, in bytes.
const maxParamSize = 64 << 10

// unsettable is the hint for a variable whose type no flag can express.
const unsettable = "a variable of another type: a number, a bool, a char array or a gadget_l3endpoint_t"

// Param is a constant of the object that the user may set before loading.
type Param struct {
	Var  string // C variable
	Key  string // name of the flag
	Type ParamType
	Size int // bytes of the variable
	// Qualifier precedes Key in documents, empty for ParamQualifier.
	Qualifier string
	// Initial is the value that the variable has in the object.
	Initial string
	ParamMetadata
}

// Value returns the value of the parameter where none is given: that of
// gadget.yaml, else that of the object.
func (p Param) Value() string { return cmp.Or(p.Default, p.Initial) }

// wellKnown are the parameters of the shared headers, by variable.
var wellKnown = map[string]ParamMetadata{
	"targ_pid":  {Key: "pid", Description: "Show only events of processes with this id"},
	"targ_tid":  {Key: "tid", Description: "Show only events of threads with this id"},
	"targ_uid":  {Key: "uid", Description: "Show only events of processes of this user id"},
	"targ_gid":  {Key: "gid", Description: "Show only events of processes of this group id"},
	"targ_comm": {Key: "comm", Description: "Show only events of processes with this name"},

	"collect_ustack":     {Key: "collect-ustack", Description: "Collect stacks of user programs"},
	"collect_build_id":   {Key: "collect-build-id", Description: "Collect build ids"},
	"collect_otel_stack": {Key: "collect-otel-stack", Description: "Collect OpenTelemetry stacks"},
}

// params reads the parameters that the object marks.
func (s *Spec) params(md Metadata) {
	slices.Sort(s.marked)
	for _, name := range slices.Compact(s.marked) {
		par, err := s.param(name, md)
		if err != nil {
			s.fail("%v", err)
			continue
		}
		s.Params = append(s.Params, par)
	}
}

func (s *Spec) param(name string, md Metadata) (Param, error) {
	v, ok := s.vars[name]
	spec := s.Collection.Variables[name]
	if !ok || spec == nil {
		return Param{}, fmt.Errorf("GADGET_PARAM(%s) marks a variable that does not exist or that no program reads, "+
			"declare and use it", name)
	}
	par := Param{Var: name, Key: name, Size: int(spec.Size()), ParamMetadata: wellKnown[name]}
	if !isConstVolatile(v.Type) {
		return par, fmt.Errorf("variable %q is a parameter, but not declared \"const volatile\"", name)
	}
	if par.Type = paramType(v.Type); par.Type == "" || par.Size == 0 || par.Size > maxParamSize {
		return par, fmt.Errorf("variable %q is a parameter, but no flag can set its type, use %s", name, unsettable)
	}
	par.Initial = par.Decode(spec.Value)
	par.merge(md.Params[name])
	if par.ParamMetadata.Key != "" {
		par.Key = par.ParamMetadata.Key
	}
	par.Default = cmp.Or(md.ParamDefault(par), par.Default)
	return par, nil
}

// QualifiedName returns the name of the parameter in documents.
func (p Param) QualifiedName() string { return cmp.Or(p.Qualifier, ParamQualifier) + p.Key }

// Named reports whether the parameter is the one that a document calls name: by
// its qualified name in any case, its key, its other key or its variable.
func (p Param) Named(name string) bool {
	qualifier := cmp.Or(p.Qualifier, ParamQualifier)
	if len(name) > len(qualifier) && strings.EqualFold(name[:len(qualifier)], qualifier) {
		name = name[len(qualifier):]
	}
	return strings.EqualFold(name, p.Key) || name == p.Var || p.AlternativeKey != "" &&
		strings.EqualFold(name, p.AlternativeKey)
}

// ParamDefault returns the value that paramDefaults have for the parameter, "" for
// none.
func (md Metadata) ParamDefault(p Param) string {
	for _, name := range sortedKeys(md.ParamDefaults) {
		if p.Named(name) {
			return md.ParamDefaults[name]
		}
	}
	return ""
}

// merge overrides what is known of the parameter by what gadget.yaml says.
func (p *Param) merge(md ParamMetadata) {
	for _, f := range []struct {
		dst *string
		src string
	}{
		{&p.ParamMetadata.Key, md.Key},
		{&p.Default, md.Default},
		{&p.Title, md.Title},
		{&p.Description, md.Description},
		{&p.Alias, md.Alias},
		{&p.AlternativeKey, md.AlternativeKey},
	} {
		if f.src != "" {
			*f.dst = f.src
		}
	}
	p.Mandatory = md.Mandatory
	p.PossibleValues = md.PossibleValues
}

// isConstVolatile reports whether t is qualified by both; the qualifiers of an
// array are its elements'.
func isConstVolatile(t btf.Type) bool {
	isConst, isVolatile := false, false
	for range maxIndirections {
		switch tt := t.(type) {
		case *btf.Const:
			isConst, t = true, tt.Type
		case *btf.Volatile:
			isVolatile, t = true, tt.Type
		case *btf.Array:
			t = tt.Type
		default:
			return isConst && isVolatile
		}
	}
	return false
}

// paramType returns the kind of values of a variable, "" for a type that no flag
// can set.
func paramType(t btf.Type) ParamType {
	base, _ := Resolve(t)
	switch t := base.(type) {
	case *btf.Int:
		switch {
		case t.Size > maxNumber:
			return ""
		case t.Encoding == btf.Bool:
			return ParamBool
		case t.Encoding == btf.Signed:
			return ParamInt
		}
		return ParamUint
	case *btf.Enum:
		return ParamUint
	case *btf.Float:
		return ParamFloat
	case *btf.Array:
		elem, _ := Resolve(t.Type)
		if i, ok := elem.(*btf.Int); ok && i.Size == 1 {
			return ParamString
		}
	case *btf.Struct:
		if t.Name == TypeL3 {
			return ParamIP
		}
	}
	return ""
}

// Param returns the parameter of a variable, or nil.
func (s *Spec) Param(variable string) *Param {
	for i := range s.Params {
		if s.Params[i].Var == variable {
			return &s.Params[i]
		}
	}
	return nil
}

// SetParam sets the constant of a parameter in the collection.
func (s *Spec) SetParam(par Param, value string) error {
	b, err := par.Encode(value)
	if _, sizes := s.Collection.Maps[strings.TrimSuffix(par.Var, MaxEntriesSuffix)]; sizes && err == nil && isZero(b) {
		err = fmt.Errorf("%q is not a size of a map", value)
	}
	if err != nil {
		return fmt.Errorf("parameter --%s: %w", par.Key, err)
	}
	return s.SetVariable(par.Var, b)
}

// SetVariable sets the bytes of a global variable of the object.
func (s *Spec) SetVariable(name string, value []byte) error {
	v := s.Collection.Variables[name]
	if v == nil {
		return fmt.Errorf("the object has no variable %q, %s", name, nearest.Advice(name, sortedKeys(s.Collection.Variables)))
	}
	if err := v.Set(value); err != nil {
		return fmt.Errorf("setting variable %q: %w", name, err)
	}
	return nil
}

// SetParams sets every parameter that values (by C variable) or gadget.yaml has
// a value for; the others keep what the object says.
func (s *Spec) SetParams(values map[string]string) error {
	for _, par := range s.Params {
		value, given := values[par.Var]
		if !given {
			value = par.Default
		}
		if par.Mandatory && value == "" {
			return fmt.Errorf("parameter --%s must be given", par.Key)
		}
		if value == "" && !given {
			continue
		}
		if err := s.SetParam(par, value); err != nil {
			return err
		}
	}
	return nil
}

func isZero(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c != 0 })
}
