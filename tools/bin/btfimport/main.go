// Command btfimport is the program of tools/btfimport.
package main

import "github.com/rules-gadget/rules_gadget/tools/btfimport"

func main() { btfimport.Main() }
