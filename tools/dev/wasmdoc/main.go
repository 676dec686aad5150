// Command wasmdoc writes the tables of docs/wasm.md, the functions that wasm
// programs may call, from the table that the runner itself has. With --check it
// only compares.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rules-gadget/rules_gadget/runner/wasm"
	"github.com/rules-gadget/rules_gadget/tools/dev/docpage"
)

const (
	page  = "wasm.md"
	begin = "<!-- Written by tools/dev/wasmdoc from the runner's own table. -->\n"
	end   = "<!-- The end of what tools/dev/wasmdoc writes. -->\n"
)

func main() {
	docpage.Main("wasmdoc", page, func(root string) ([]byte, error) {
		old, err := os.ReadFile(filepath.Join(root, "docs", page))
		if err != nil {
			return nil, err
		}
		return replace(string(old), tables(wasm.Functions()))
	})
}

// replace returns the page with another text between the marks.
func replace(page, text string) ([]byte, error) {
	before, rest, ok := strings.Cut(page, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return nil, fmt.Errorf("docs/wasm.md lacks the lines %q and %q", begin, end)
	}
	return []byte(before + begin + text + end + after), nil
}

// tables returns one table for each group of functions.
func tables(functions []wasm.Function) string {
	var b strings.Builder
	group := ""
	for _, f := range functions {
		if f.Group != group {
			group = f.Group
			fmt.Fprintf(&b, "\n### %s\n\n| function | what it does |\n|---|---|\n", group)
		}
		fmt.Fprintf(&b, "| `%s%s` | %s |\n", f.Name, f.Signature, f.Doc)
	}
	return b.String() + "\n"
}
