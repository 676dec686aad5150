package app

import (
	"slices"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// withForeign puts flags that only other runners have, and that precede
// the command, after "run", which reports why they have no effect.
func withForeign(args []string) []string {
	takesValue := map[string]bool{} // whether the flag needs a value
	for _, p := range gadgetapi.ForeignParams() {
		takesValue["--"+p.Name] = !p.Switch
	}
	var moved []string
	for i := 0; i < len(args); i++ {
		name, _, hasValue := cli.SplitFlag(args[i])
		needsValue, foreign := takesValue[name]
		switch {
		case foreign && needsValue && !hasValue && i+1 < len(args):
			moved = append(moved, args[i]+"="+args[i+1])
			args = slices.Delete(slices.Clone(args), i, i+2)
			i--
		case foreign:
			moved = append(moved, args[i])
			args = slices.Delete(slices.Clone(args), i, i+1)
			i--
		case args[i] == "run":
			return slices.Concat(args[:i+1], moved, args[i+1:])
		case i >= leading(args):
			return slices.Concat(moved, args)
		}
	}
	return slices.Concat(moved, args)
}
