package runcmd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
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

// names reports whether a flag's value has a part for data source src alone.
func names(value, src string) bool {
	return slices.ContainsFunc(strings.Split(value, ","), func(part string) bool {
		return strings.HasPrefix(strings.TrimSpace(part), src+":")
	})
}

// perSource returns the part of a flag's value for data source src: the whole
// value when it names no source, else of "open:json,close:none" the one for src,
// "" if none exists.
func perSource(value, src string, sources []string) (string, error) {
	out, plain, named := "", 0, 0
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, rest, ok := strings.Cut(part, ":")
		switch {
		case !ok:
			plain++
			out = part
		case !slices.Contains(sources, name):
			return "", fmt.Errorf("the gadget has no data source %q, %s", name, nearest.Advice(name, sources))
		default:
			named++
			if name == src {
				out = rest
			}
		}
	}
	if plain > 1 || plain > 0 && named > 0 {
		return "", errors.New("give one value for all data sources, or source:value for each, comma-separated")
	}
	return out, nil
}
