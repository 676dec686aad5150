package runcmd

import "strings"

// FlagSet tells which flags the command line itself knows, by name with
// dashes; the value is true for flags that take no value.
type FlagSet map[string]bool

// Split parts args, what stands behind "run", into the flags that the command
// line knows together with the reference of the gadget, and the flags of the
// gadget. A flag of the gadget whose value stands behind a space must come
// after the reference. --help after or before a reference asks for the
// gadget's own help.
func Split(args []string, known FlagSet) ([]string, Rest) {
	s := splitter{known: known}
	for i := 0; i < len(args); i++ {
		i += s.take(args[i], args[i+1:])
	}
	if s.rest.Help && !s.reference {
		s.ours, s.rest.Help = append(s.ours, "--help"), false
	}
	return s.ours, s.rest
}

type splitter struct {
	known     FlagSet
	ours      []string
	rest      Rest
	reference bool
}

// take sorts arg and returns how many of the following arguments it took too.
func (s *splitter) take(arg string, next []string) int {
	if arg == "--help" || arg == "-h" {
		s.rest.Help = true
		return 0
	}
	if !strings.HasPrefix(arg, "-") || arg == "-" || arg == "--" {
		s.reference = true
		s.ours = append(s.ours, arg)
		return 0
	}
	name, _, hasValue := strings.Cut(arg, "=")
	if !strings.HasPrefix(arg, "--") {
		name, hasValue = arg[:2], hasValue || len(arg) > 2
	}
	isBool, ok := s.known[name]
	if ok {
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

// isFlag reports whether arg is a flag and not a value: negative numbers are
// values.
func isFlag(arg string) bool {
	if !strings.HasPrefix(arg, "-") || arg == "-" {
		return false
	}
	return arg[1] < '0' || arg[1] > '9'
}
