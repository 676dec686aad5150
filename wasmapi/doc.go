// Package wasmapi is what the wasm program of a gadget is written with in Go. It
// wraps the functions of the public wasm API, so that its programs run under
// every runner that has version 1 of the API.
//
// A program exports the functions that the runner calls, each returning 0 or,
// for an error, another number:
//
//	package main
//
//	import "github.com/rules-gadget/rules_gadget/wasmapi"
//
//	//go:wasmexport gadgetInit
//	func gadgetInit() int32 {
//		return wasmapi.Run(setUp)
//	}
//
//	func setUp() error {
//		source, err := wasmapi.GetSource("open")
//		if err != nil {
//			return err
//		}
//		path, err := source.Field("fname")
//		if err != nil {
//			return err
//		}
//		base, err := source.AddField("base", wasmapi.String)
//		if err != nil {
//			return err
//		}
//		return source.Subscribe(func(event wasmapi.Data) {
//			name, _ := path.Text(event)
//			base.SetText(event, filepath.Base(name))
//		})
//	}
//
//	func main() {}
//
// The functions are gadgetInit (data sources and fields are known), gadgetPreStart
// (the last chance for SetConfig and AddField), gadgetStart (the eBPF program is
// loaded, its maps are there), gadgetStop and gadgetPostStop. The package itself
// exports gadgetAPIVersion and dataSourceCallback.
//
// A program is built with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o program.wasm program.go
//
// Elsewhere the package compiles, and every call of the host fails.
package wasmapi
