package runcmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// FlagSet lists which flags the command line itself defines, by name with
// dashes; the value is true for flags that take no value.
type FlagSet map[string]bool

// Split parts args, what follows "run", into the flags that the command
// line knows together with the reference of the gadget, and the flags of the
// gadget. A flag of the gadget whose value follows a space must come
// after the reference, or after the manifest that has it. --help after or before a reference requests the
// gadget's own help.
func Split(args []string, flags FlagSet) ([]string, Rest) {
	s := splitter{flags: flags}
	for i := 0; i < len(args); i++ {
		i += s.take(args[i], args[i+1:])
	}
	if s.rest.Help && !s.reference {
		s.ours, s.rest.Help = append(s.ours, "--help"), false
	}
	return s.ours, s.rest
}

type splitter struct {
	flags     FlagSet
	ours      []string
	rest      Rest
	reference bool
}

// take sorts arg and returns how many of the following arguments it took too.
func (s *splitter) take(arg string, next []string) int {
	if flag, source, ok := s.perSource(arg); ok {
		return s.takeFor(flag, source, arg, next)
	}
	if arg == "--help" || arg == "-h" {
		s.rest.Help = true
		return 0
	}
	name, _, hasValue := cli.SplitFlag(arg)
	if name == "" {
		s.reference = true
		s.ours = append(s.ours, arg)
		return 0
	}
	if name == "-f" || name == "--file" {
		s.reference = true // the manifest has it
	}
	isBool, ok := s.flags[name]
	if ok {
		if s.switched(arg, next) {
			return 0
		}
		if isBool || hasValue || len(next) == 0 {
			s.ours = append(s.ours, arg)
			return 0
		}
		// One word, since values may begin with a dash: --fields -flags.
		if strings.HasPrefix(arg, "--") {
			arg += "="
		}
		s.ours = append(s.ours, arg+next[0])
		return 1
	}
	s.rest.Args = append(s.rest.Args, arg)
	if !hasValue && s.reference && len(next) > 0 && !isFlag(next[0]) {
		s.rest.Args = append(s.rest.Args, next[0])
		return 1
	}
	return 0
}

// switches are flags with a value that other runners have as switches, and the
// value that they have there.
var switches = map[string]string{"--otel-metrics-listen": "0.0.0.0:2224"}

// switched takes arg as a switch of another runner. A value elsewhere on the
// command line wins.
func (s *splitter) switched(arg string, next []string) bool {
	name, value, hasValue := cli.SplitFlag(arg)
	usual, ok := switches[name]
	switch {
	case !ok || hasValue && value != "true" && value != "false" || !hasValue && len(next) > 0 && !isFlag(next[0]):
		return false
	case value != "false":
		s.ours = slices.Insert(s.ours, 0, name+"="+usual)
	}
	return true
}

// sourceFlags are the flags that may name a data source after a dot, as other
// runners take it: --filter.open=RULES is --filter=open:RULES.
var sourceFlags = []string{"--filter-expr", "--filter"}

// perSource returns the flag and the data source that arg names with a dot.
func (s *splitter) perSource(arg string) (flag, source string, ok bool) {
	for _, flag := range sourceFlags {
		if name, ok := strings.CutPrefix(arg, flag+"."); ok {
			source, _, _ := strings.Cut(name, "=")
			return flag, source, source != ""
		}
	}
	return "", "", false
}

// takeFor takes arg, which is flag for one data source.
func (s *splitter) takeFor(flag, source, arg string, next []string) int {
	_, value, hasValue := cli.SplitFlag(arg)
	taken := 0
	if !hasValue && len(next) > 0 {
		value, taken = next[0], 1
	}
	s.ours = append(s.ours, flag+"="+source+":"+value)
	return taken
}

// isFlag reports whether arg is a flag and not a value: negative numbers are
// values.
func isFlag(arg string) bool {
	if !strings.HasPrefix(arg, "-") || arg == "-" {
		return false
	}
	return arg[1] < '0' || arg[1] > '9'
}

// mistyped is the hint that a flag, which counts as the gadget's while the gadget is
// not available, is a misspelled flag of the command, or one that another program has.
func (r Rest) mistyped() string {
	var ours []string
	for flag := range r.CommandFlags {
		if name, long := strings.CutPrefix(flag, "--"); long {
			ours = append(ours, name)
		}
	}
	slices.Sort(ours)
	for _, arg := range r.Args {
		flag, _, _ := strings.Cut(arg, "=")
		name, long := strings.CutPrefix(flag, "--")
		meant, ok := cli.OtherFlag(name, ours)
		if !ok {
			meant, ok = nearest.Typo(name, ours)
		}
		if long && ok {
			return fmt.Sprintf("; %s is not a flag of this command, did you mean --%s?", flag, meant)
		}
	}
	return ""
}
