package gadget

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

// paramDefaults checks that every name is that of a parameter of the gadget, of the
// runner or of another runner, and that the values of those of the object fit.
func (r *validator) paramDefaults() {
	params := r.gadgetParams()
	for _, name := range keys(r.md.ParamDefaults) {
		_, _, ofRunner := gadgetapi.RunnerParamNamed(name)
		_, foreign := gadgetapi.ForeignParamNamed(name)
		if ofRunner || foreign {
			continue
		}
		i := slices.IndexFunc(params, func(p gadgetapi.Param) bool { return p.Named(name) })
		if i < 0 {
			r.warn(r.md.defaults[name], "paramDefaults has %q, which is not a parameter, %s", name,
				nearest.Advice(name, paramNames(params)))
			continue
		}
		value := r.md.ParamDefaults[name]
		if p := params[i]; p.Size > 0 && value != "" && !strings.Contains(value, "{{") {
			if _, err := p.Encode(value); err != nil {
				r.warn(r.md.defaults[name], "paramDefaults %q: %v", name, err)
			}
		}
	}
}

// gadgetParams returns the parameters that come with the gadget.
func (r *validator) gadgetParams() []gadgetapi.Param {
	var out []gadgetapi.Param
	maps := r.wasm
	if r.spec != nil {
		out = append(out, r.spec.Params...)
		for _, name := range r.spec.PacketFilters {
			out = append(out, gadgetapi.Param{Key: gadgetapi.PacketFilterParam(name)})
		}
		maps = maps || slices.ContainsFunc(r.spec.Tables, func(t gadgetapi.Table) bool {
			return t.Kind == gadgetapi.MapIterator
		})
	}
	if maps {
		out = append(out, gadgetapi.Param{Key: gadgetapi.ParamMapInterval}, gadgetapi.Param{Key: gadgetapi.ParamMapCount})
	}
	for _, name := range keys(r.md.WasmParams) {
		out = append(out, gadgetapi.Param{
			Key: cmp.Or(r.md.WasmParams[name].Key, name), Qualifier: gadgetapi.WasmParamQualifier,
		})
	}
	for _, source := range gadgetapi.OperatorSources() {
		if _, ok := r.md.Operators[source.Operator]; ok && source.Operator != "" {
			for _, key := range []string{gadgetapi.ParamFeedInterval, gadgetapi.ParamFeedCount, gadgetapi.ParamStatsInterval} {
				out = append(out, gadgetapi.Param{Key: key, Qualifier: source.Qualifier()})
			}
		}
	}
	for _, name := range keys(r.md.CustomParams) {
		out = append(out, gadgetapi.Param{Key: cmp.Or(r.md.CustomParams[name].Key, name), Qualifier: CustomQualifier})
	}
	return out
}

// paramNames returns the qualified names of params and of those of the runner.
func paramNames(params []gadgetapi.Param) []string {
	var out []string
	for _, p := range params {
		out = append(out, p.QualifiedName())
	}
	for _, p := range gadgetapi.RunnerParams() {
		out = append(out, p.Name)
	}
	return out
}
