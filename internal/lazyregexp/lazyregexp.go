// Package lazyregexp has regular expressions that are compiled when they are
// first used: a short command needs few of those that its packages declare.
package lazyregexp

import (
	"regexp"
	"sync"
)

// Regexp is a regular expression.
type Regexp struct{ compile func() *regexp.Regexp }

// New returns the regular expression expr. The first use panics when it cannot
// be compiled.
func New(expr string) Regexp {
	return Regexp{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })}
}

// MatchString reports whether s has a match.
func (r Regexp) MatchString(s string) bool { return r.compile().MatchString(s) }

// FindStringSubmatch returns the first match in s and its groups; nil is none.
func (r Regexp) FindStringSubmatch(s string) []string { return r.compile().FindStringSubmatch(s) }
