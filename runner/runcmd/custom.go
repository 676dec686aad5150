package runcmd

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// customize applies the patches of the custom parameters in gadget.yaml.
func (s *session) customize(md *gadget.Metadata) (*gadget.Metadata, error) {
	s.customKeys = customParams(md)
	value := func(name string) (string, bool) { return s.given(name, md.ParamDefaults) }
	for _, p := range s.customKeys {
		if v, ok := value(p.Var); ok && len(p.PossibleValues) > 0 && !slices.Contains(p.PossibleValues, v) {
			return nil, cli.Usage(fmt.Errorf("parameter --%s: %q is not one of %s", p.Key, v,
				strings.Join(p.PossibleValues, ", ")))
		}
	}
	data, err := md.Customize(s.artifact.Metadata, value)
	if err != nil {
		return nil, err
	}
	patched, problems := gadget.ParseMetadata(data, "gadget.yaml", false)
	return patched, problems.Err()
}

// customParams returns the parameters of params.custom.
func customParams(md *gadget.Metadata) []gadgetapi.Param {
	var out []gadgetapi.Param
	for _, name := range slices.Sorted(maps.Keys(md.CustomParams)) {
		p := md.CustomParams[name]
		possible := slices.Sorted(maps.Keys(p.Values))
		if p.Patch != nil {
			possible = nil // it is for every other value
		}
		one := gadgetapi.Param{
			Var: gadget.CustomQualifier + name, Key: name, Type: gadgetapi.ParamString, Qualifier: gadget.CustomQualifier,
			ParamMetadata: gadgetapi.ParamMetadata{
				Default: p.DefaultValue, Title: p.Title, Description: p.Description, Alias: p.Alias,
				PossibleValues: possible,
			},
		}
		one.Default = cmp.Or(gadgetapi.Metadata{ParamDefaults: md.ParamDefaults}.ParamDefault(one), one.Default)
		out = append(out, one)
	}
	return out
}

// given returns the value that the command line has for the parameter with the
// qualified name, else what paramDefaults have. Which parameters the object has is
// not known yet.
func (s *session) given(name string, defaults map[string]string) (string, bool) {
	at := strings.LastIndex(name, ".") + 1
	p := gadgetapi.Param{Key: name[at:], Qualifier: name[:at]}
	if i := slices.IndexFunc(s.customKeys, func(c gadgetapi.Param) bool { return c.Var == name }); i >= 0 {
		p = s.customKeys[i]
	}
	for i := len(s.rest.Args) - 1; i >= 0; i-- {
		flag, value, hasValue := strings.Cut(s.rest.Args[i], "=")
		if found, err := findParam([]gadgetapi.Param{p}, flag, nil); err != nil || found.Var != p.Var || !isFlag(flag) {
			continue
		}
		if !hasValue && i+1 < len(s.rest.Args) && !isFlag(s.rest.Args[i+1]) {
			value = s.rest.Args[i+1]
		}
		return value, true
	}
	value := gadgetapi.Metadata{ParamDefaults: defaults}.ParamDefault(p)
	return value, value != ""
}
