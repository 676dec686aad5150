// Command btflayer is the program of tools/btflayer.
package main

import "github.com/rules-gadget/rules_gadget/tools/btflayer"

func main() { btflayer.Main() }
