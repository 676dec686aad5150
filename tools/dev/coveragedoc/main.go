// Command coveragedoc writes docs/coverage.md: for everything that the gadget API
// names, what has it, which test holds it, and on which kernels that ran. With
// --check it only compares.
package main

import (
	"io/fs"
	"os"

	"github.com/rules-gadget/rules_gadget/tools/dev/docpage"
)

func main() {
	docpage.Main("coveragedoc", "coverage.md", func(root string) ([]byte, error) { return page(os.DirFS(root)) })
}

// page returns the page for a workspace.
func page(tree fs.FS) ([]byte, error) {
	built, err := readBuilt(tree)
	if err != nil {
		return nil, err
	}
	ran, err := readMachines(tree, built)
	if err != nil {
		return nil, err
	}
	return render(rows(), &coverage{built: built, machines: ran, tests: newTests(tree, built)})
}
