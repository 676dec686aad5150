// Command attest is the program of tools/attest.
package main

import "github.com/rules-gadget/rules_gadget/tools/attest"

func main() { attest.Main() }
