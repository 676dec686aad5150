package runcmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// ParseParams reads the flags of a gadget, "--key=value", "--key value" or
// "--key" for a bool, and returns the value of each parameter that has one.
// The last of several wins. Flags of the command line that the args do not have any
// more, such as --timeout, are what a wrong name may mean, too.
func ParseParams(params []gadgetapi.Param, args []string, commandFlags ...string) (map[string]string, error) {
	values := map[string]string{}
	for i := 0; i < len(args); i++ {
		name, value, hasValue := strings.Cut(args[i], "=")
		p, err := findParam(params, name, commandFlags)
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

func findParam(params []gadgetapi.Param, flag string, commandFlags []string) (gadgetapi.Param, error) {
	key := strings.TrimLeft(flag, "-")
	long := strings.HasPrefix(flag, "--")
	for _, p := range params {
		if long && p.Named(key) || p.Alias != "" && p.Alias == key {
			return p, nil
		}
	}
	if f, ok := foreignParam(key); ok && long {
		if f.Refused {
			return gadgetapi.Param{}, fmt.Errorf("flag %s is not supported: %s", flag, f.Why)
		}
		return foreign(f), nil
	}
	return gadgetapi.Param{}, fmt.Errorf("unknown flag %s, %s", flag, knownParams(key, params, commandFlags))
}

// knownParams returns the hint for a name that no parameter and no flag has.
func knownParams(wrong string, params []gadgetapi.Param, commandFlags []string) string {
	var keys, names []string
	for _, p := range params {
		keys = append(keys, "--"+p.Key)
		names = append(names, p.Key)
	}
	slices.Sort(keys)
	slices.Sort(names)
	for _, flag := range slices.Sorted(slices.Values(commandFlags)) {
		if name, long := strings.CutPrefix(flag, "--"); long {
			names = append(names, name)
		}
	}
	if meant, ok := cli.MeantFlag(wrong, names); ok {
		return fmt.Sprintf("did you mean --%s?", meant)
	}
	if len(keys) == 0 {
		return "the gadget has no parameters"
	}
	return "the gadget has " + strings.Join(keys, ", ")
}
