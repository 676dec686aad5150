package output

import (
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rules-gadget/rules_gadget/internal/printable"
)

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD,
// and what is not printable is escaped.
func appendString(dst, s []byte) []byte { return appendQuoted(dst, s, appendUTF16) }

// appendYAMLString does the same for YAML, which has escapes of its own outside of
// the basic plane.
func appendYAMLString(dst, s []byte) []byte { return appendQuoted(dst, s, appendUTF32) }

func appendQuoted(dst, s []byte, escape func(dst []byte, r rune) []byte) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= 0x20 && c != '"' && c != '\\' && c != 0x7f {
				i++
				continue
			}
			dst = appendEscape(append(dst, s[start:i]...), c)
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRune(s[i:])
		if !printable.Rune(r) {
			dst = escape(append(dst, s[start:i]...), r)
			i += n
			start = i
			continue
		}
		i += n
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// appendUTF16 appends r as one or two escapes.
func appendUTF16(dst []byte, r rune) []byte {
	if r < 0x10000 {
		return appendHex(append(dst, '\\', 'u'), r, 4)
	}
	high, low := utf16.EncodeRune(r)
	return appendUTF16(appendUTF16(dst, high), low)
}

// appendUTF32 appends r as one escape of YAML.
func appendUTF32(dst []byte, r rune) []byte {
	if r < 0x10000 {
		return appendUTF16(dst, r)
	}
	return appendHex(append(dst, '\\', 'U'), r, 8)
}

func appendHex(dst []byte, r rune, digits int) []byte {
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[r>>shift&15])
	}
	return dst
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
