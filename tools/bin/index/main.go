// Command index is the program of tools/index.
package main

import "github.com/rules-gadget/rules_gadget/tools/index"

func main() { index.Main() }
