// Command programtypesdoc writes docs/program-types.md, the attach kinds of
// programs, from the table of the gadget API. With --check it only compares.
package main

import (
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/tools/dev/docpage"
)

func main() {
	docpage.Main("programtypesdoc", "program-types.md", func(string) ([]byte, error) {
		return render(gadgetapi.Kinds(), gadgetapi.Needs())
	})
}
