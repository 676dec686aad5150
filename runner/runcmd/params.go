package runcmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// ParseParams reads the flags of a gadget, "--key=value", "--key value" or
// "--key" for a bool, and returns the value of each parameter that has one.
// The last of several wins.
func ParseParams(params []gadgetapi.Param, args []string) (map[string]string, error) {
	values := map[string]string{}
	for i := 0; i < len(args); i++ {
		name, value, hasValue := strings.Cut(args[i], "=")
		p, err := findParam(params, name)
		if err != nil {
			return nil, err
		}
		if !hasValue {
			switch {
			case i+1 < len(args) && !isFlag(args[i+1]):
				i++
				value = args[i]
			case p.Type == gadgetapi.ParamBool:
				value = "true"
			default:
				return nil, fmt.Errorf("flag %s needs a value", name)
			}
		}
		values[p.Var] = value
	}
	return values, nil
}

func findParam(params []gadgetapi.Param, flag string) (gadgetapi.Param, error) {
	key := strings.TrimLeft(flag, "-")
	long := strings.HasPrefix(flag, "--")
	for _, p := range params {
		if long && p.Named(key) || p.Alias != "" && p.Alias == key {
			return p, nil
		}
	}
	if f, ok := foreignParam(key); ok && long {
		if f.Refused {
			return gadgetapi.Param{}, fmt.Errorf("there is no flag %s here: %s", flag, f.Why)
		}
		return foreign(f), nil
	}
	return gadgetapi.Param{}, fmt.Errorf("unknown flag %s, %s", flag, knownParams(params))
}

func knownParams(params []gadgetapi.Param) string {
	if len(params) == 0 {
		return "the gadget has no parameters"
	}
	var keys []string
	for _, p := range params {
		keys = append(keys, "--"+p.Key)
	}
	slices.Sort(keys)
	return "the gadget has " + strings.Join(keys, ", ")
}
