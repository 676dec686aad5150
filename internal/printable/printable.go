// Package printable makes text that comes from outside safe to show: names of
// files, errors of registries, descriptions of gadgets. What a terminal would act
// on, and what changes the order or the look of other text, is escaped.
package printable

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// noBreakSpace separates the arguments of a command, which may have spaces.
const noBreakSpace = '\u00a0'

// Rune reports whether r may be shown as it is: letters, marks, numbers,
// punctuation, symbols, the ASCII space and the no-break space. Control characters,
// those of the direction of text, invisible ones and unassigned ones may not.
func Rune(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= ' ' && r != 0x7f
	}
	return unicode.IsPrint(r) && r != utf8.RuneError || r == noBreakSpace
}

// Append appends s with everything that is not printable as \xNN, byte by byte,
// and a backslash as two, so that the text can be distinguished from what it replaces. It
// returns the number of characters too.
func Append(dst, s []byte) ([]byte, int) {
	width := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < 0x7f {
			if c == '\\' {
				dst = append(dst, c)
				width++
			}
			dst = append(dst, c)
			i++
			width++
			continue
		}
		r, n := utf8.DecodeRune(s[i:])
		if Rune(r) {
			dst = append(dst, s[i:i+n]...)
			width++
		} else {
			dst = appendHex(dst, s[i:i+n])
			width += 4 * n
		}
		i += n
	}
	return dst, width
}

func appendHex(dst, s []byte) []byte {
	for _, b := range s {
		dst = append(dst, '\\', 'x', hexDigits[b>>4], hexDigits[b&15])
	}
	return dst
}

// Text returns s for a sentence or a table: what is not printable is escaped, but
// for newlines and tabs. Backslashes stay.
func Text(s string) string {
	if strings.IndexFunc(s, special) < 0 && utf8.ValidString(s) {
		return s
	}
	return string(appendText(nil, []byte(s)))
}

// Line returns s for a cell of a table: Text in which newlines and tabs are escaped,
// too.
func Line(s string) string {
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(Text(s))
}

// JSON returns a JSON text in which everything that is not printable, which can
// only occur in strings, is escaped as JSON does it.
func JSON(text []byte) []byte {
	return escape(text, func(dst []byte, r rune) []byte {
		for _, u := range utf16.AppendRune(nil, r) {
			dst = fmt.Appendf(dst, `\u%04x`, u)
		}
		return dst
	})
}

// YAML returns a YAML text in which everything that is not printable is escaped. It
// may only occur in double-quoted strings.
func YAML(text []byte) []byte {
	return escape(text, func(dst []byte, r rune) []byte { return fmt.Appendf(dst, `\U%08x`, r) })
}

// escape returns a text with what appendRune makes of what is not printable.
func escape(text []byte, appendRune func([]byte, rune) []byte) []byte {
	if bytes.IndexFunc(text, special) < 0 {
		return text
	}
	var out []byte
	for _, r := range string(text) {
		if special(r) {
			out = appendRune(out, r)
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}

func special(r rune) bool { return r != '\n' && r != '\t' && !Rune(r) }

func appendText(dst, s []byte) []byte {
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		if special(r) {
			dst = appendHex(dst, s[:n])
		} else {
			dst = append(dst, s[:n]...)
		}
		s = s[n:]
	}
	return dst
}

// NewWriter returns a writer that writes Text of what it is given to w. Each call
// must be given whole characters.
func NewWriter(w io.Writer) io.Writer { return &writer{w} }

type writer struct{ w io.Writer }

func (w *writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.w, Text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Fd returns the file descriptor of what is written to, for those who ask whether
// it is a terminal.
func (w *writer) Fd() uintptr {
	if f, ok := w.w.(interface{ Fd() uintptr }); ok {
		return f.Fd()
	}
	return ^uintptr(0)
}
