// Command compdb is the program of tools/compdb.
package main

import "github.com/rules-gadget/rules_gadget/tools/compdb"

func main() { compdb.Main() }
