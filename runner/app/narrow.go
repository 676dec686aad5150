package app

import (
	"reflect"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/runcmd"
)

// narrow returns a new value of type all, or of one that lacks the commands that
// args do not begin with: a short command would else spend a third of its time on
// the flags of others, as bench/start measures. Where args do not begin with a command, as in a request
// for help, nothing is left out.
func narrow(all reflect.Type, args []string) reflect.Value {
	if len(args) == 0 || !hasCommand(all, args[0]) {
		return reflect.New(all)
	}
	var fields []reflect.StructField
	for f := range all.Fields() {
		if isCommand(f) {
			if !called(f, args[0]) {
				continue
			}
			f.Type = narrow(f.Type, args[1:]).Type().Elem()
		}
		fields = append(fields, f)
	}
	return reflect.New(reflect.StructOf(fields))
}

// leading returns how many of args precede the command: flags that every
// command has, and their values.
func leading(args []string) int {
	flags := globalFlags()
	for i := 0; i < len(args); i++ {
		name, _, hasValue := cli.SplitFlag(args[i])
		isBool, ok := flags[name]
		switch {
		case !ok, isBool && hasValue && !strings.HasPrefix(name, "--") && !allShort(flags, args[i]):
			return i
		case !isBool && !hasValue:
			i++
		}
	}
	return len(args)
}

// allShort reports whether arg is several flags of one letter, as in -qv.
func allShort(flags runcmd.FlagSet, arg string) bool {
	if len(arg) < 2 || arg[0] != '-' || arg[1] == '-' {
		return false
	}
	for _, letter := range arg[1:] {
		if !flags["-"+string(letter)] {
			return false
		}
	}
	return true
}

// globalFlags are the flags of every command.
func globalFlags() runcmd.FlagSet {
	flags := runcmd.FlagSet{}
	for f := range reflect.TypeFor[globals]().Fields() {
		name := f.Tag.Get("name")
		if name == "" {
			name = strings.ToLower(f.Name)
		}
		isBool := f.Type.Kind() == reflect.Bool
		flags["--"+name] = isBool
		for alias := range strings.SplitSeq(f.Tag.Get("aliases"), ",") {
			flags["--"+alias] = isBool
		}
		flags["-"+f.Tag.Get("short")] = isBool
	}
	delete(flags, "--") // of fields without aliases
	delete(flags, "-")
	return flags
}

// hasCommand reports whether the struct has a command of the name.
func hasCommand(of reflect.Type, name string) bool {
	for f := range of.Fields() {
		if isCommand(f) && called(f, name) {
			return true
		}
	}
	return false
}

func isCommand(f reflect.StructField) bool {
	_, ok := f.Tag.Lookup("cmd")
	return ok
}

// called reports whether a command has the name, or the alias.
func called(f reflect.StructField, name string) bool {
	return strings.EqualFold(f.Name, strings.ReplaceAll(name, "-", "")) ||
		slices.Contains(strings.Split(f.Tag.Get("aliases"), ","), name)
}
