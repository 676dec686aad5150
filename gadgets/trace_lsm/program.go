// Chooses which hooks of security modules the eBPF programs look at.
package main

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"example.com/trace_lsm/hooks"
	"github.com/rules-gadget/rules_gadget/wasmapi"
)

//go:wasmexport gadgetPreStart
func gadgetPreStart() int32 { return wasmapi.Run(choose) }

// maxSingle hooks are looked at by a program of their own, which costs least each time a
// hook is asked. To attach each takes some kernels more than half a second, and to detach
// it a sixth.
const maxSingle = 8

// target is a hook that is looked at.
type target struct {
	number   int    // in events
	function string // of the kernel, which asks it
}

// choose leaves out the programs of hooks that are not asked for, and of those
// that this kernel lacks. Many are looked at by one program, where the kernel has
// kprobes with cookies.
func choose() error {
	targets, err := asked()
	if err != nil {
		return err
	}
	list := wasmapi.Disabled
	if len(targets) > maxSingle && hooks.Cookies(wasmapi.KernelHas) {
		list = listed(targets)
		clear(targets)
	}
	for _, hook := range hooks.All() {
		if err := attach(hook, cmp.Or(targets[hook].function, wasmapi.Disabled)); err != nil {
			return err
		}
	}
	return wasmapi.AttachTo("trace_lsm_many", list)
}

// asked returns the hooks that the user asks for and this kernel has.
func asked() (map[string]target, error) {
	all, err := enabled("all")
	if err != nil {
		return nil, err
	}
	targets, some := map[string]target{}, all
	for number, hook := range hooks.All() {
		named, err := enabled(hook)
		if err != nil {
			return nil, err
		}
		some = some || named
		if !named && !all {
			continue
		}
		switch function := hooks.Function(hook, wasmapi.KernelHas); {
		case function != "":
			targets[hook] = target{number, function}
		case named:
			wasmapi.Warnf("this kernel has no hook %q, no events of it will come", hook)
		}
	}
	if !some {
		return nil, errors.New("no hook is asked for, name some with --trace-HOOK or all with --trace-all")
	}
	return targets, nil
}

// listed returns the functions of targets with the numbers of their hooks as cookies.
func listed(targets map[string]target) string {
	var list []string
	for _, t := range targets {
		list = append(list, t.function+"="+strconv.Itoa(t.number))
	}
	slices.Sort(list)
	return strings.Join(list, ",")
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
