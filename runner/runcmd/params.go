package runcmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/runner/engine"
)

// qualifier is what other runners put before the name of a parameter of the
// eBPF program; it may be left out.
const qualifier = "operator.oci.ebpf."

// ParseParams reads the flags of a gadget, "--key=value", "--key value" or
// "--key" for a bool, and returns the value of each parameter that has one.
// The last of several wins.
func ParseParams(params []engine.Param, args []string) (map[string]string, error) {
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
			case p.Type == engine.ParamBool:
				value = "true"
			default:
				return nil, fmt.Errorf("flag %s needs a value", name)
			}
		}
		values[p.Var] = value
	}
	return values, nil
}

func findParam(params []engine.Param, flag string) (engine.Param, error) {
	key := strings.TrimPrefix(strings.TrimLeft(flag, "-"), qualifier)
	short := !strings.HasPrefix(flag, "--")
	for _, p := range params {
		if !short && (p.Key == key || p.Var == key) || p.Alias != "" && p.Alias == key {
			return p, nil
		}
	}
	return engine.Param{}, fmt.Errorf("unknown flag %s, %s", flag, knownParams(params))
}

func knownParams(params []engine.Param) string {
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
