package cli

import "strings"

// SplitFlag returns the name of the flag in a word of a command line, with its dashes,
// and the value that the word has: --name=value, --name, -n or -nvalue. The name of a word
// that is not a flag is empty.
func SplitFlag(word string) (name, value string, hasValue bool) {
	switch {
	case len(word) < 2 || word[0] != '-' || word == "--":
		return "", "", false
	case word[1] != '-':
		return word[:2], word[2:], len(word) > 2
	}
	return strings.Cut(word, "=")
}

// FlagValue returns the value that the last of words with one of these flags has, and
// whether there is one.
func FlagValue(words []string, flags ...string) (value string, ok bool) {
	for _, w := range words {
		name, v, hasValue := SplitFlag(w)
		for _, f := range flags {
			if hasValue && name == f {
				value, ok = v, true
			}
		}
	}
	return value, ok
}
