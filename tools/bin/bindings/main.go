// Command bindings is the program of tools/bindings.
package main

import "github.com/rules-gadget/rules_gadget/tools/bindings"

func main() { bindings.Main() }
