package cli

import (
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/printable"
)

// Say writes a line for a person to Stderr, unless they asked for quiet.
func (g *Globals) Say(format string, args ...any) {
	if !g.Quiet {
		fmt.Fprintln(g.Stderr, printable.Text(fmt.Sprintf(format, args...)))
	}
}

// Log writes a line that is already whole, as Say does.
func (g *Globals) Log(line string) { g.Say("%s", line) }
