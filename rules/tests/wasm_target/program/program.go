// Command program is a wasm program whose dependencies are those of the workspace.
package main

import "github.com/rules-gadget/rules_gadget/wasmapi"

//go:wasmexport gadgetInit
func gadgetInit() int32 {
	return wasmapi.Run(func() error {
		source, err := wasmapi.GetSource("minimal")
		if err != nil {
			return err
		}
		_, err = source.AddField("note", wasmapi.String)
		return err
	})
}

func main() {}
