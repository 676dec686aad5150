// Command program is the wasm program of a gadget without an eBPF program: it reports
// which containers start and end, and what it knows about the kernel.
package main

import (
	"fmt"

	"github.com/rules-gadget/rules_gadget/wasmapi"
)

var seen, text = wasmapi.Source{}, wasmapi.Field{}

//go:wasmexport gadgetInit
func gadgetInit() int32 {
	return wasmapi.Run(func() (err error) {
		if seen, err = wasmapi.NewSource("seen"); err != nil {
			return err
		}
		text, err = seen.AddField("text", wasmapi.String)
		return err
	})
}

//go:wasmexport gadgetPreStart
func gadgetPreStart() int32 {
	return wasmapi.Run(func() error {
		containers, err := wasmapi.GetSource(wasmapi.SourceContainers)
		if err != nil {
			return err
		}
		var fields [5]wasmapi.Field
		for i, name := range []string{"event_type", "container_id", "name", "cgroup_id", "mntns_id"} {
			if fields[i], err = containers.Field(name); err != nil {
				return err
			}
		}
		return containers.Subscribe(func(event wasmapi.Data) {
			typ, _ := fields[0].Text(event)
			id, _ := fields[1].Text(event)
			name, _ := fields[2].Text(event)
			cgroup, _ := wasmapi.Get[uint64](fields[3], event)
			mountNS, _ := wasmapi.Get[uint64](fields[4], event)
			report("%s %q %q %d %d unwanted=%t", typ, id, name, cgroup, mountNS, wasmapi.Unwanted(mountNS))
		})
	})
}

//go:wasmexport gadgetStart
func gadgetStart() int32 {
	return wasmapi.Run(func() error {
		params, err := wasmapi.SyscallParams("write")
		report("write%v %v %t", params, err, wasmapi.KernelHas("vfs_read"))
		return nil
	})
}

func report(format string, args ...any) {
	if err := seen.Emit(func(e wasmapi.Data) error { return text.SetText(e, fmt.Sprintf(format, args...)) }); err != nil {
		wasmapi.Warnf("%v", err)
	}
}

func main() {}
