// Command gadget-tools is all tools of build actions in one program, as a release
// has them: who uses it compiles none of them. It is the tool whose name it is
// started by, else the one that its first argument names.
package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
	"github.com/rules-gadget/rules_gadget/tools/attest"
	"github.com/rules-gadget/rules_gadget/tools/bindings"
	"github.com/rules-gadget/rules_gadget/tools/btfgen"
	"github.com/rules-gadget/rules_gadget/tools/btfimport"
	"github.com/rules-gadget/rules_gadget/tools/btflayer"
	"github.com/rules-gadget/rules_gadget/tools/compat"
	"github.com/rules-gadget/rules_gadget/tools/compdb"
	"github.com/rules-gadget/rules_gadget/tools/compile"
	"github.com/rules-gadget/rules_gadget/tools/index"
	"github.com/rules-gadget/rules_gadget/tools/manifest"
	"github.com/rules-gadget/rules_gadget/tools/metadata"
	"github.com/rules-gadget/rules_gadget/tools/wasm"
)

// name is what messages call the program.
const name = "gadget-tools"

// exitUsage is the exit code of a usage error.
const exitUsage = 2

// mains are the tools; each ends the process.
var mains = map[string]func(){
	"attest":    attest.Main,
	"bindings":  bindings.Main,
	"btfgen":    btfgen.Main,
	"btfimport": btfimport.Main,
	"btflayer":  btflayer.Main,
	"compat":    compat.Main,
	"compdb":    compdb.Main,
	"compile":   compile.Main,
	"index":     index.Main,
	"manifest":  manifest.Main,
	"metadata":  metadata.Main,
	"wasm":      wasm.Main,
}

func main() {
	if run, ok := mains[filepath.Base(os.Args[0])]; ok {
		run()
	}
	if len(os.Args) > 1 {
		if run, ok := mains[os.Args[1]]; ok {
			os.Args = os.Args[1:]
			run()
		}
	}
	os.Exit(help(os.Args[1:], os.Stdout, os.Stderr))
}

// help answers arguments that start no tool, and returns the exit code.
func help(args []string, stdout, stderr io.Writer) int {
	names := slices.Sorted(maps.Keys(mains))
	usage := fmt.Sprintf("%s TOOL [ARGUMENT]..., TOOL is one of %s", name, strings.Join(names, ", "))
	switch {
	case len(args) == 0:
		fmt.Fprintf(stderr, "%s: no tool is named, use %s\n", name, usage)
		return exitUsage
	case args[0] == "--help" || args[0] == "-h":
		fmt.Fprintf(stdout, "Usage: %s\n", usage)
		return 0
	}
	fmt.Fprintf(stderr, "%s: %q is not a tool, %s\n", name, args[0], nearest.Advice(args[0], names))
	return exitUsage
}
