// Command btfgen is the program of tools/btfgen.
package main

import "github.com/rules-gadget/rules_gadget/tools/btfgen"

func main() { btfgen.Main() }
