// Adds the field "depth" to the events of trace_chdir: how deep the directory is.
package main

import (
	"strings"

	"github.com/rules-gadget/rules_gadget/wasmapi"
)

//go:wasmexport gadgetInit
func gadgetInit() int32 { return wasmapi.Run(setUp) }

func setUp() error {
	chdir, err := wasmapi.GetSource("chdir")
	if err != nil {
		return err
	}
	path, err := chdir.Field("path")
	if err != nil {
		return err
	}
	depth, err := chdir.AddField("depth", wasmapi.String)
	if err != nil {
		return err
	}
	return chdir.Subscribe(func(event wasmapi.Data) {
		name, err := path.Text(event)
		if err == nil {
			err = depth.SetText(event, strings.Repeat(">", strings.Count(name, "/")))
		}
		if err != nil {
			wasmapi.Warnf("%v", err)
		}
	})
}

func main() {}
