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
// whether it is close enough to be what was meant: a letter differs, got is one or
// several of its words, or a few letters differ.
func Closest(got string, names []string) (string, bool) {
	best, bestRank := "", unlike
	for _, name := range names {
		if r := rank(strings.ToLower(got), strings.ToLower(name)); r < bestRank {
			best, bestRank = name, r
		}
	}
	return best, best != ""
}

// The ranks of names, closest first. Others have a distance of two and more after
// that.
const (
	oneLetter  = 1       // or equal but for the case
	firstWords = 2       // got is what the name begins with
	someWords  = 3       // got is within the name
	unlike     = 1 << 20 // got is a different name
)

// rank is how far a name is from got, both in lower case.
func rank(got, name string) int {
	d := distance(got, name)
	switch at := wordAt(got, name); {
	case name == "" || d > 0 && len(got) < 2:
		return unlike
	case d <= oneLetter:
		return d
	case at == 0:
		return firstWords
	case at > 0:
		return someWords
	case d <= tolerance(len(got)):
		return someWords + d
	}
	return unlike
}

// tolerance is how many letters of a name of n may differ.
func tolerance(n int) int { return max(min(n/2, 2), n/3) }

// wordAt returns where got occurs in name as one or several whole words, -1 where
// it does not.
func wordAt(got, name string) int {
	if len(got) < minWord {
		return -1
	}
	for at := 0; ; at++ {
		i := strings.Index(name[at:], got)
		if i < 0 {
			return -1
		}
		at += i
		if end := at + len(got); (at == 0 || separator(name[at-1])) && (end == len(name) || separator(name[end])) {
			return at
		}
	}
}

// minWord is how long a word must be to match a name.
const minWord = 3

// separator reports whether c separates the words of a name.
func separator(c byte) bool { return strings.IndexByte("-_./", c) >= 0 }

// Typo returns the name of which got is a misspelling: up to two letters after the
// first differ, and at most one is missing or added; or the only name that begins
// with got as a word, as verify-image does with verify. It is stricter than Closest,
// for places where got may well be right.
func Typo(got string, names []string) (string, bool) {
	var longer []string
	for _, name := range names {
		if name != got && first(name) == first(got) && abs(len(name)-len(got)) <= 1 && distance(got, name) <= 2 &&
			len(name) >= minTypo {
			return name, true
		}
		if name != got && wordAt(got, name) == 0 {
			longer = append(longer, name)
		}
	}
	if len(longer) != 1 || slices.Contains(names, got) {
		return "", false
	}
	return longer[0], true
}

// minTypo is how long a name must be for two different letters to be a typing error.
const minTypo = 4

// first returns the first letter after the dashes of a flag.
func first(name string) string {
	name = strings.TrimLeft(name, "-")
	return name[:min(1, len(name))]
}

func abs(n int) int { return max(n, -n) }

// distance returns the edit distance of a and b (insert, delete, replace, exchange
// neighbors).
func distance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := row[j]
			if a[i] != b[j] {
				cost++
			}
			next[j+1] = min(cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
