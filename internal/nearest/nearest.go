// Package nearest finds the name that the user may have meant.
package nearest

import (
	"fmt"
	"slices"
	"strings"
)

// maxListed is how many names advice lists when none is close.
const maxListed = 100

// Advice returns what to add to the message that nothing is called got: the
// known name that is closest to it or, when none is close, all of them. Aliases
// are other names that are known: they may be the closest, but are not listed.
func Advice(got string, candidates []string, aliases ...string) string {
	candidates = slices.Sorted(slices.Values(candidates))
	best, close := Closest(got, slices.Concat(candidates, slices.Sorted(slices.Values(aliases))))
	switch {
	case close:
		return fmt.Sprintf("did you mean %q?", best)
	case len(candidates) == 0:
		return "none exists"
	case len(candidates) > maxListed:
		return fmt.Sprintf("known are %s and %d more", strings.Join(candidates[:maxListed], ", "), len(candidates)-maxListed)
	}
	return "known are " + strings.Join(candidates, ", ")
}

// Closest returns the name that is closest to got, the first of several, and
// whether it is close enough to be what was meant.
func Closest(got string, names []string) (string, bool) {
	best, bestDistance := "", len(got)/2+2
	for _, name := range names {
		if name == "" {
			continue
		}
		if d := distance(strings.ToLower(got), strings.ToLower(name)); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	return best, best != ""
}

// Typo returns the name of which got is a misspelling: up to two letters after the
// first differ, and at most one is missing or added. It is stricter than Closest,
// for places where got may well be right.
func Typo(got string, names []string) (string, bool) {
	for _, name := range names {
		if name != got && first(name) == first(got) && abs(len(name)-len(got)) <= 1 && distance(got, name) <= 2 &&
			len(name) >= minTypo {
			return name, true
		}
	}
	return "", false
}

// minTypo is how long a name must be for two different letters to be a typing error.
const minTypo = 4

// first returns the first letter after the dashes of a flag.
func first(name string) string {
	name = strings.TrimLeft(name, "-")
	return name[:min(1, len(name))]
}

func abs(n int) int { return max(n, -n) }

// distance returns the edit distance of a and b (insert, delete, replace).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
