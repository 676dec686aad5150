package sign

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// maxPattern bounds a pattern, in bytes.
const maxPattern = 512

// registryOf is the registry of a repository's name, in lower case as host
// names are compared.
func registryOf(name string) string {
	host, _, _ := strings.Cut(name, "/")
	return strings.ToLower(host)
}

// checkPattern refuses patterns that cannot match what their writer means.
func checkPattern(pattern string) error {
	if pattern == "**" {
		return nil
	}
	switch {
	case pattern == "":
		return errors.New("the pattern is empty")
	case len(pattern) > maxPattern:
		return fmt.Errorf("the pattern has more than %d bytes", maxPattern)
	case strings.ContainsAny(pattern, "@ \t"):
		return fmt.Errorf("%q must be a repository without digest", pattern)
	case !strings.Contains(pattern, "/"):
		return fmt.Errorf("%q names no repository, write %q for all of a registry and \"**\" for everything", pattern,
			pattern+"/**")
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(pattern, "/"), "/") {
		if part == "" {
			return fmt.Errorf("%q has an empty part", pattern)
		}
		if strings.Contains(part, "**") && part != "**" {
			return fmt.Errorf("%q has \"**\" next to other characters, it matches whole parts", pattern)
		}
		if _, err := path.Match(part, ""); err != nil {
			return fmt.Errorf("%q: %w", pattern, err)
		}
	}
	return nil
}

// match reports whether a pattern is for a repository: part by part, each a
// pattern as path.Match has it. "**" matches one or more parts, and a slash
// at the end for everything below.
func match(pattern, name string) bool {
	if strings.HasSuffix(pattern, "/") {
		pattern += "**"
	}
	host, rest, _ := strings.Cut(pattern, "/")
	pattern = strings.ToLower(host)
	if rest != "" {
		pattern += "/" + rest
	}
	nameHost, nameRest, _ := strings.Cut(name, "/")
	return matchParts(strings.Split(pattern, "/"), append([]string{strings.ToLower(nameHost)},
		strings.Split(nameRest, "/")...))
}

func matchParts(pattern, name []string) bool {
	// reach[j]: the pattern so far can match the first j parts of the name.
	reach := make([]bool, len(name)+1)
	reach[0] = true
	for _, p := range pattern {
		next := make([]bool, len(name)+1)
		for j, part := range name {
			if p == "**" {
				next[j+1] = reach[j] || next[j]
				continue
			}
			ok, err := path.Match(p, part)
			next[j+1] = reach[j] && ok && err == nil
		}
		reach = next
	}
	return reach[len(name)]
}
