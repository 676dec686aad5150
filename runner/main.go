// Command gadget-run pulls gadgets, eBPF programs packed as OCI artifacts, and
// runs them on this machine.
package main

import (
	"os"

	"github.com/rules-gadget/rules_gadget/runner/app"
)

func main() { os.Exit(app.Main()) }
