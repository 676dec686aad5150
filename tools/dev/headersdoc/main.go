// Command headersdoc writes docs/headers.md, the reference of the headers that
// gadgets include, from their comments. With --check it only compares.
package main

import (
	"github.com/rules-gadget/rules_gadget/gadgets/include"
	"github.com/rules-gadget/rules_gadget/tools/dev/docpage"
)

func main() {
	docpage.Main("headersdoc", "headers.md", func(string) ([]byte, error) { return render(include.Files) })
}
