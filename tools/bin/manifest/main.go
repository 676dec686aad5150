// Command manifest is the program of tools/manifest.
package main

import "github.com/rules-gadget/rules_gadget/tools/manifest"

func main() { manifest.Main() }
