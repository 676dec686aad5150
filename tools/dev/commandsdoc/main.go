// Command commandsdoc writes docs/commands.md, the reference of gadget-run's
// commands, from the command line's own description of itself. With --check it
// only compares.
package main

import (
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/app"
	"github.com/rules-gadget/rules_gadget/tools/dev/docpage"
)

func main() {
	docpage.Main("commandsdoc", "commands.md", func(string) ([]byte, error) {
		model, err := app.Model()
		if err != nil {
			return nil, err
		}
		commands, err := render(model)
		return append(commands, foreign(gadgetapi.ForeignParams())...), err
	})
}
