package runcmd

import (
	"slices"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// foreignVar comes before the name of a parameter that only other runners have.
const foreignVar = "foreign."

// foreignParam finds a flag that only other runners have, by its name or its
// qualified name.
func foreignParam(key string) (gadgetapi.ForeignParam, bool) {
	if p, ok := gadgetapi.ForeignParamNamed(key); ok {
		return p, true
	}
	all := gadgetapi.ForeignParams()
	i := slices.IndexFunc(all, func(p gadgetapi.ForeignParam) bool { return p.Name == key })
	if i < 0 {
		return gadgetapi.ForeignParam{}, false
	}
	return all[i], true
}

// foreign returns a parameter that takes the value of p and changes nothing.
func foreign(p gadgetapi.ForeignParam) gadgetapi.Param {
	out := gadgetapi.Param{Var: foreignVar + p.Name, Key: p.Name, Type: gadgetapi.ParamString}
	if p.Switch {
		out.Type = gadgetapi.ParamBool
	}
	return out
}

// noteForeign reports why each flag without effect has none.
func (s *session) noteForeign(values map[string]string) {
	for _, p := range gadgetapi.ForeignParams() {
		if _, given := values[foreignVar+p.Name]; given {
			s.detailf("--%s changes nothing: %s", p.Name, p.Why)
		}
	}
}
