package field

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// operators of filters, longer ones first. "=" means "==".
var operators = []string{"==", "!=", ">=", "<=", "!~", ">", "<", "~", "="}

// mistaken are what other languages write for an operator, longer ones first. A
// text that starts like the rest of one is compared with "==" or a regular expression.
var mistaken = [][2]string{
	{"===", "=="},
	{"!==", "!="},
	{"!~=", "!~"},
	{"=~", "~"},
	{"~=", "~"},
	{"~~", "~"},
	{"=!", "!="},
	{"=>", ">="},
	{"=<", "<="},
	{"<>", "!="},
	{"><", "!="},
	{">==", ">="},
	{"<==", "<="},
}

// Filter returns the test that every expression of exprs passes, nil if
// none exists. An expression is a field, an operator (== != >= > <= < ~ !~)
// and a value; a comma separates expressions that must all hold, "\," is a comma
// of a value. Text is compared byte by byte, ~ matches a regular expression.
func Filter(src *Source, exprs []string) (func(sample []byte) bool, error) {
	var tests []func([]byte) bool
	for _, e := range exprs {
		for _, one := range splitExprs(e) {
			if strings.TrimSpace(one) == "" {
				continue
			}
			t, err := parseExpr(src, one)
			if err != nil {
				return nil, fmt.Errorf("filter %q: %w", one, err)
			}
			tests = append(tests, t)
		}
	}
	if len(tests) == 0 {
		return nil, nil
	}
	return func(s []byte) bool {
		for _, t := range tests {
			if !t(s) {
				return false
			}
		}
		return true
	}, nil
}

func splitExprs(s string) []string {
	var out []string
	var cur strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == ',':
			cur.WriteByte(',')
			i++
		case s[i] == ',':
			out = append(out, cur.String())
			cur.Reset()
		default:
			cur.WriteByte(s[i])
		}
	}
	return append(out, cur.String())
}

// CheckFilter returns an error for expressions that Filter refuses for every data
// source.
func CheckFilter(exprs []string) error {
	for _, e := range exprs {
		for _, one := range splitExprs(e) {
			if strings.TrimSpace(one) == "" {
				continue
			}
			if _, err := splitExpr(one); err != nil {
				return fmt.Errorf("filter %q: %w", one, err)
			}
		}
	}
	return nil
}

// comparison is an expression of a filter.
type comparison struct {
	name, op, value string
	re              *regexp.Regexp // of ~ and !~
}

func splitExpr(expr string) (comparison, error) {
	at := strings.IndexAny(expr, "=!<>~")
	if at <= 0 {
		return comparison{}, fmt.Errorf("want a field, an operator (== != >= > <= < ~ !~) and a value")
	}
	for _, m := range mistaken {
		if strings.HasPrefix(expr[at:], m[0]) {
			return comparison{}, fmt.Errorf("unknown operator %q, use %q", m[0], m[1])
		}
	}
	for _, op := range operators {
		value, ok := strings.CutPrefix(expr[at:], op)
		if !ok {
			continue
		}
		c := comparison{name: strings.TrimSpace(expr[:at]), op: op, value: value}
		var err error
		if op == "~" || op == "!~" {
			c.re, err = regexp.Compile(value)
		}
		return c, err
	}
	return comparison{}, fmt.Errorf("unknown operator, use == != >= > <= < ~ !~")
}

func parseExpr(src *Source, expr string) (func([]byte) bool, error) {
	c, err := splitExpr(expr)
	if err != nil {
		return nil, err
	}
	f, err := src.value(c.name)
	if err != nil {
		return nil, err
	}
	return compare(f, c)
}

func compare(f *Field, c comparison) (func([]byte) bool, error) {
	op := c.op
	if c.re != nil {
		text, want, buf := f.Column(), op == "~", []byte(nil)
		return func(s []byte) bool {
			buf = text(buf[:0], s)
			return c.re.Match(buf) == want
		}, nil
	}
	order, err := ordering(f, c.value)
	if err != nil {
		return nil, err
	}
	if f.Kind == Bool && op != "==" && op != "=" && op != "!=" {
		return nil, fmt.Errorf("%q is true or false, compare it with == or !=", f.FullName)
	}
	holds := map[string]func(int) bool{
		"=":  func(n int) bool { return n == 0 },
		"==": func(n int) bool { return n == 0 },
		"!=": func(n int) bool { return n != 0 },
		">=": func(n int) bool { return n >= 0 },
		"<=": func(n int) bool { return n <= 0 },
		">":  func(n int) bool { return n > 0 },
		"<":  func(n int) bool { return n < 0 },
	}[op]
	return func(s []byte) bool { return holds(order(s)) }, nil
}

// ordering returns how a sample's value compares to value: negative, zero or
// positive. Blanks around a number do not count.
func ordering(f *Field, value string) (func([]byte) int, error) {
	number := strings.TrimSpace(value)
	switch f.Kind {
	case Int:
		want, err := strconv.ParseInt(number, 0, 64)
		return func(s []byte) int { return cmp.Compare(int64(f.Number(s)), want) },
			notNumber(number, err, "a whole number from -2^63 to 2^63-1")
	case Uint:
		want, err := strconv.ParseUint(number, 0, 64)
		return func(s []byte) int { return cmp.Compare(f.Number(s), want) },
			notNumber(number, err, "a whole number from 0 to 2^64-1")
	case Bool:
		want, err := strconv.ParseBool(number)
		if err != nil {
			return nil, fmt.Errorf("%q is neither true nor false", number)
		}
		return func(s []byte) int {
			if (f.Number(s) != 0) == want {
				return 0
			}
			return 1
		}, nil
	case Float:
		want, err := strconv.ParseFloat(number, 64)
		return func(s []byte) int { return cmp.Compare(math.Float64frombits(f.Number(s)), want) },
			notNumber(number, err, "a number")
	}
	text, want, buf := f.Column(), []byte(value), []byte(nil)
	return func(s []byte) int {
		buf = text(buf[:0], s)
		return bytes.Compare(buf, want)
	}, nil
}

func notNumber(value string, err error, want string) error {
	if err != nil {
		return fmt.Errorf("%q is not %s", value, want)
	}
	return nil
}
