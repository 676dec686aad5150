package cli

import (
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// descriptor is a file, or a wrapper of one.
type descriptor interface{ Fd() uintptr }

// IsTerminal reports whether a person reads w.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(descriptor)
	return ok && term.IsTerminal(int(f.Fd()))
}

// IsScreen reports whether w is a terminal that acts on the sequences which move its
// cursor and clear lines. TERM=dumb means that it cannot.
func IsScreen(w io.Writer) bool { return IsTerminal(w) && os.Getenv("TERM") != "dumb" }

// TerminalWidth is the number of columns of the terminal that w is, 0 where no
// person reads it.
func TerminalWidth(w io.Writer) int {
	f, ok := w.(descriptor)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// minWrap is the width below which text is left to the terminal.
const minWrap = 20

// Wrap breaks text into lines of at most width characters, where it can: never
// within a word, and not at all where width is too small.
func Wrap(text string, width int) []string {
	if width < minWrap || utf8.RuneCountInString(text) <= width {
		return []string{text}
	}
	lines := []string{""}
	used := 0
	for _, word := range strings.Fields(text) {
		last, n := &lines[len(lines)-1], utf8.RuneCountInString(word)
		switch {
		case *last == "":
			*last, used = word, n
		case used+1+n > width:
			lines, used = append(lines, word), n
		default:
			*last, used = *last+" "+word, used+1+n
		}
	}
	return lines
}
