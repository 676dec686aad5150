// Command wasm is the program of tools/wasm.
package main

import "github.com/rules-gadget/rules_gadget/tools/wasm"

func main() { wasm.Main() }
