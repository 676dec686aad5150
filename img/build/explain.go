package build

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/moby/buildkit/solver/errdefs"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/img/ociruntime"
)

// Error is a build that failed at a place in the Dockerfile.
type Error struct {
	File         string
	Line, Column int    // from 1
	Text         string // the line
	Err          error
	Hint         string
}

// Error is the place, the cause, and the line with a mark below the column.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Line > 0 {
		fmt.Fprintf(&b, "%s:%d:%d: ", e.File, e.Line, e.Column)
	}
	b.WriteString(cause(e.Err))
	if e.Hint != "" {
		b.WriteString(", " + e.Hint)
	}
	if e.Line > 0 {
		pad := strings.Map(func(r rune) rune {
			if r == '\t' {
				return r
			}
			return ' '
		}, e.Text[:e.Column-1])
		fmt.Fprintf(&b, "\n%5d | %s\n      | %s^", e.Line, e.Text, pad)
	}
	return b.String()
}

// Unwrap returns what the solver said.
func (e *Error) Unwrap() error { return e.Err }

// explain adds the place in the Dockerfile and what to do.
func explain(err error) error {
	out := &Error{Err: err, Hint: hint(err)}
	for _, src := range errdefs.Sources(err) {
		if src.Info == nil || len(src.Ranges) == 0 || src.Ranges[0].Start == nil {
			continue
		}
		lines := strings.Split(string(src.Info.Data), "\n")
		n := int(src.Ranges[0].Start.Line)
		if n < 1 || n > len(lines) {
			continue
		}
		out.File, out.Line, out.Text = src.Info.Filename, n, strings.TrimRight(lines[n-1], "\r")
		out.Column = column(out.Text, err.Error())
		break
	}
	if out.Line == 0 && out.Hint == "" {
		return err
	}
	return out
}

// column finds what a message is about in a line: the longest of its words
// that is in the line after the instruction; or else the instruction.
func column(line, message string) int {
	start := len(line) - len(strings.TrimLeft(line, " \t"))
	best, length := start, 0
	if strings.Contains(message, "did not complete successfully") {
		return start + 1
	}
	for word := range strings.FieldsFuncSeq(message, func(r rune) bool { return strings.ContainsRune(" \t:,()\"'", r) }) {
		word = strings.Trim(word, "/")
		if len(word) <= max(length, 2) {
			continue
		}
		if at := strings.LastIndex(line, word); at > start {
			best, length = strings.LastIndexAny(line[:at], " \t")+1, len(word)
		}
	}
	return best + 1
}

// missing matches the solver's message that the context lacks a file.
var missing = regexp.MustCompile(`.*failed to calculate checksum of ref \S+ ("[^"]*"): not found`)

// cause is the message without what wraps it in layers of the solver.
func cause(err error) string {
	text := err.Error()
	for _, prefix := range []string{
		"failed to solve: ", "failed to read dockerfile: ",
		"rpc error: code = Unknown desc = ",
	} {
		text = strings.TrimPrefix(text, prefix)
	}
	if at := strings.Index(text, ociruntime.Advice); at > 0 {
		return text[at:] // the process never began
	}
	if m := missing.FindStringSubmatch(text); m != nil {
		return m[1] + " is not in the build context, or .dockerignore excludes it"
	}
	return strings.Replace(text, "dockerfile parse error on line", "parse error on line", 1)
}

// hint is what to do about some failures that the solver's words leave open.
func hint(err error) string {
	text := err.Error()
	switch {
	case errors.Is(err, unix.ENOSPC) || strings.Contains(text, "no space left on device"):
		return "free some space (\"img prune\" removes the build cache) or choose another directory with --state"
	case strings.Contains(text, "exec format error"):
		return "a RUN for another platform needs an emulator: install qemu-user-static and register it in binfmt_misc with " +
			"the flags OCF"
	case strings.Contains(text, "lchown") && strings.Contains(text, "invalid argument"):
		return "the user has too few ids for the owners in this image: give the user at least 65536 in /etc/subuid and " +
			"/etc/subgid and install uidmap"
	case strings.Contains(text, "error mounting \"proc\"") || strings.Contains(text, "mount proc"):
		return "this container does not allow mounting /proc, use --no-process-sandbox"
	}
	return ""
}
