package packetfilter

import (
	"fmt"
	"strings"
)

// token is a word, a number, an address or an operator; "" at the end.
type token struct {
	text   string
	quoted bool // begins with a backslash, so that it is not a keyword
}

// operators are what is not a word; the longer ones first.
var operators = []string{
	"&&", "||", "<<", ">>", "<=", ">=", "==", "!=", "(", ")", "[", "]", "!", "<", ">", "=", "+", "-", "*", "/", "%", "&",
	"|", "^", ":",
}

// lex returns the tokens of an expression.
func lex(text string) ([]token, error) {
	var out []token
	inBrackets := false
	for rest := strings.TrimLeft(text, " \t\r\n"); rest != ""; rest = strings.TrimLeft(rest, " \t\r\n") {
		if n := wordLength(rest, inBrackets); n > 0 {
			word, quoted := strings.CutPrefix(rest[:n], `\`)
			out = append(out, token{word, quoted})
			rest = rest[n:]
			continue
		}
		op := operatorOf(rest)
		if op == "" {
			return nil, fmt.Errorf("%q is not part of the language, see pcap-filter(7)", firstRune(rest))
		}
		inBrackets = op == "[" || inBrackets && op != "]"
		out = append(out, token{text: op})
		rest = rest[len(op):]
	}
	return out, nil
}

func operatorOf(text string) string {
	for _, op := range operators {
		if strings.HasPrefix(text, op) {
			return op
		}
	}
	return ""
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

// wordLength returns how long the word is that text begins with, 0 for none. Words
// in brackets have no colons, slashes and signs, which stand for themselves there.
func wordLength(text string, inBrackets bool) int {
	n := 0
	for n < len(text) {
		c := text[n]
		switch {
		case isAlphanumeric(c) || c == '.' || c == '_':
		case c == '\\' && n == 0:
		case c == ':' && !inBrackets && (n > 0 || strings.HasPrefix(text, "::")):
		case c == '-' && !inBrackets && n > 0 && n+1 < len(text) && isAlphanumeric(text[n+1]):
		case c == '/' && !inBrackets && isAddress(text[:n]) && n+1 < len(text) && isAlphanumeric(text[n+1]):
		default:
			return n
		}
		n++
	}
	return n
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// isAddress reports whether s is made of what addresses are made of.
func isAddress(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdefABCDEF.:") == ""
}
