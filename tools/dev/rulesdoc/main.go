// Command rulesdoc writes docs/rules.md, the reference of the public rules,
// from the docstrings in rules/. With --check it only compares.
package main

import "github.com/rules-gadget/rules_gadget/tools/dev/docpage"

func main() {
	docpage.Main("rulesdoc", "rules.md", func(root string) ([]byte, error) {
		return render(root, "rules/defs.bzl")
	})
}
