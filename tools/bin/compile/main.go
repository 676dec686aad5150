// Command compile is the program of tools/compile.
package main

import "github.com/rules-gadget/rules_gadget/tools/compile"

func main() { compile.Main() }
