// Command metadata is the program of tools/metadata.
package main

import "github.com/rules-gadget/rules_gadget/tools/metadata"

func main() { metadata.Main() }
