// Command compat is the program of tools/compat.
package main

import "github.com/rules-gadget/rules_gadget/tools/compat"

func main() { compat.Main() }
