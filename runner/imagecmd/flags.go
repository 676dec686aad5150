// Package imagecmd holds the commands of gadget-run that manage artifacts:
// image and its subcommands, login and logout. Docker's and ig's verbs both
// work.
package imagecmd

import "strings"

// isPath reports whether text is a file rather than a reference.
func isPath(text string) bool {
	return strings.HasPrefix(text, "/") || strings.HasPrefix(text, ".") || strings.HasSuffix(text, ".tar")
}
