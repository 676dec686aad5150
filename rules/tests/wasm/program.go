// Command program is a wasm program that says which interface it was built for.
package main

//go:wasmexport gadgetAPIVersion
func gadgetAPIVersion() uint64 { return 1 }

func main() {}
