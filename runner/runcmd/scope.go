package runcmd

import (
	"slices"
	"strings"
)

// scoped returns the part of a flag's value that holds for data source src: of
// "open:a,b;c", which parts with semicolons, source open gets "a,b" and every
// other one "c". Only names of sources count as prefixes.
func scoped(value, src string, sources []string) string {
	fallback := ""
	for part := range strings.SplitSeq(value, ";") {
		name, rest, ok := strings.Cut(part, ":")
		switch name = strings.TrimSpace(name); {
		case !ok || !slices.Contains(sources, name):
			fallback = part
		case name == src:
			return rest
		}
	}
	return fallback
}

// scopedAll returns those of values that hold for src: "open:fd>3" for source
// open alone, a value without the name of a source for all.
func scopedAll(values []string, src string, sources []string) []string {
	var out []string
	for _, v := range values {
		name, rest, ok := strings.Cut(v, ":")
		switch {
		case !ok || !slices.Contains(sources, name):
			out = append(out, v)
		case name == src:
			out = append(out, rest)
		}
	}
	return out
}
