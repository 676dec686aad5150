package app

import (
	"reflect"
	"slices"
	"strings"
)

// narrow returns a new value of type all, or of one that lacks the commands that
// args do not begin with: a short command would else spend most of its time on
// the flags of others. Where args do not begin with a command, as in a request
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
