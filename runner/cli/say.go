package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/rules-gadget/rules_gadget/internal/printable"
)

// Say writes a line for a person to Stderr, unless --quiet is set.
func (g *Globals) Say(format string, args ...any) {
	if !g.Quiet {
		Message(g.Stderr, fmt.Sprintf(format, args...))
	}
}

// Log writes a line that is already whole, as Say does.
func (g *Globals) Log(line string) { g.Say("%s", line) }

// Message writes text and a newline to w, with everything escaped that changes a
// terminal. On a terminal lines that are too long are broken between words.
func Message(w io.Writer, text string) {
	width := TerminalWidth(w)
	var out strings.Builder
	for line := range strings.SplitSeq(printable.Text(text), "\n") {
		out.WriteString(fold(line, width) + "\n")
	}
	fmt.Fprint(w, out.String())
}

// fold breaks a line between words where it gets longer than width. A word that is
// longer itself, such as a reference with its digest, follows the one before: it
// is the terminal that breaks it.
func fold(line string, width int) string {
	if width < minWrap || utf8.RuneCountInString(line) <= width {
		return line
	}
	var out strings.Builder
	used := 0
	for i, word := range strings.Split(line, " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case n <= width && used+1+n > width:
			out.WriteByte('\n')
			used = 0
		default:
			out.WriteByte(' ')
			used++
		}
		out.WriteString(word)
		if used += n; used > width {
			used %= width
		}
	}
	return out.String()
}
