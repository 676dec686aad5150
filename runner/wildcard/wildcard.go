// Package wildcard matches names with patterns of * and ?.
package wildcard

import "strings"

// In reports whether pattern has a wildcard.
func In(pattern string) bool { return strings.ContainsAny(pattern, "*?") }

// Match reports whether the whole name matches: * matches any bytes, ? matches one.
func Match(pattern, name string) bool {
	star, resume := -1, 0
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			resume++
			p, n = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
