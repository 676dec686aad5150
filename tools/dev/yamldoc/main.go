// Command yamldoc writes docs/gadget-yaml.md, the reference of gadget.yaml and
// build.yaml, from the tables that validate them. With --check it only compares.
package main

import "github.com/rules-gadget/rules_gadget/tools/dev/docpage"

func main() {
	docpage.Main("yamldoc", "gadget-yaml.md", func(string) ([]byte, error) { return render(), nil })
}
