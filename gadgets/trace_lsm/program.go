// Chooses which hooks of security modules the eBPF programs look at.
package main

import (
	"cmp"
	"errors"
	"strconv"

	"example.com/trace_lsm/hooks"
	"github.com/rules-gadget/rules_gadget/wasmapi"
)

//go:wasmexport gadgetPreStart
func gadgetPreStart() int32 { return wasmapi.Run(choose) }

// choose leaves out the programs of hooks that are not asked for, and of those
// that this kernel lacks.
func choose() error {
	all, err := enabled("all")
	if err != nil {
		return err
	}
	some := false
	for _, hook := range hooks.All() {
		named, err := enabled(hook)
		if err != nil {
			return err
		}
		target := wasmapi.Disabled
		if named || all {
			target = cmp.Or(hooks.Function(hook, wasmapi.KernelHas), wasmapi.Disabled)
		}
		if target == wasmapi.Disabled && named {
			wasmapi.Warnf("this kernel has no hook %q, no events of it will come", hook)
		}
		some = some || named || target != wasmapi.Disabled
		if err := attach(hook, target); err != nil {
			return err
		}
	}
	if !some {
		return errors.New("no hook is asked for, name some with --trace-HOOK or all with --trace-all")
	}
	return nil
}

// enabled reports whether the user asks for a hook.
func enabled(hook string) (bool, error) {
	value, err := wasmapi.Param("trace-" + hook)
	if err != nil {
		return false, err
	}
	return strconv.ParseBool(value)
}

// attach attaches both programs of a hook, of which the kernel gets one.
func attach(hook, target string) error {
	program := "trace_lsm_" + hook
	return errors.Join(wasmapi.AttachTo(program, target), wasmapi.AttachTo(program+"__fallback", target))
}

func main() {}
