package packetfilter

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

// Filter is an expression.
type Filter struct{ root node }

// Parse reads an expression. An empty one matches every packet.
func Parse(text string) (*Filter, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("packet filter of %d bytes is longer than %d", len(text), maxText)
	}
	tokens, err := lex(text)
	if err != nil {
		return nil, fmt.Errorf("packet filter %q: %w", text, err)
	}
	if len(tokens) == 0 {
		return &Filter{always{}}, nil
	}
	p := &parser{tokens: tokens}
	root, err := p.condition()
	if err == nil && p.at < len(tokens) {
		err = fmt.Errorf("%q is not expected after %q", tokens[p.at].text, tokens[p.at-1].text)
	}
	if err != nil {
		return nil, fmt.Errorf("packet filter %q: %w", text, err)
	}
	return &Filter{root}, nil
}

// parser reads tokens. Its methods are named after what they return.
type parser struct {
	tokens []token
	at     int
	depth  int
	last   *qualifiers // of the primitive before, for "port 80 or 443"
	frame  frame
}

var errDeep = errors.New("it is nested too deeply")

func (p *parser) peek() token {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return token{}
}

func (p *parser) accept(texts ...string) (string, bool) {
	t := p.peek()
	if t.text == "" || t.quoted || !slices.Contains(texts, t.text) {
		return "", false
	}
	p.at++
	return t.text, true
}

func (p *parser) expect(text string) error {
	if _, ok := p.accept(text); !ok {
		return fmt.Errorf("%q is missing", text)
	}
	return nil
}

// deeper calls fn one level down.
func (p *parser) deeper(fn func() (node, error)) (node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, errDeep
	}
	defer func() { p.depth-- }()
	return fn()
}

// condition is what the whole expression must be.
func (p *parser) condition() (node, error) {
	n, err := p.alternatives()
	if err == nil && isNumber(n) {
		err = errors.New("it is a number, not a condition, compare it with another one")
	}
	return n, err
}

// alternatives are terms with "and" and "or" between them, which group from the left.
func (p *parser) alternatives() (node, error) {
	left, err := p.term()
	for err == nil {
		op, ok := p.accept("and", "&&", "or", "||")
		if !ok {
			return left, nil
		}
		var right node
		if right, err = p.term(); err != nil {
			break
		}
		switch {
		case isNumber(left) || isNumber(right):
			err = fmt.Errorf("%q is combined with a number, not a condition", op)
		case op == "and" || op == "&&":
			left = and{left, right}
		default:
			left = or{left, right}
		}
	}
	return nil, err
}

// term is a condition that may be negated, or a number alone.
func (p *parser) term() (node, error) {
	if _, ok := p.accept("not", "!"); !ok {
		return p.relation()
	}
	n, err := p.deeper(p.term)
	if err == nil && isNumber(n) {
		err = errors.New(`"not" is followed by a number, not a condition`)
	}
	return not{n}, err
}

// relation is a comparison of two numbers, or its substitute.
func (p *parser) relation() (node, error) {
	left, err := p.arithmetic(0)
	if err != nil || !isNumber(left) {
		return left, err
	}
	op, ok := p.accept("==", "=", "!=", ">=", ">", "<=", "<")
	if !ok {
		return left, nil
	}
	if op == "=" {
		op = "=="
	}
	p.last = nil
	right, err := p.number(0)
	if err != nil {
		return nil, err
	}
	return guard(compare{op, left, right}, left, right), nil
}

// guard adds to a comparison that packets must have the numbers in it.
func guard(c node, numbers ...node) node {
	for _, n := range numbers {
		for _, when := range guards(n) {
			c = and{when, c}
		}
	}
	return c
}

func guards(n node) []node {
	switch n := n.(type) {
	case guarded:
		return append(guards(n.node), n.when)
	case load:
		return guards(n.offset)
	case operation:
		return append(guards(n.a), guards(n.b)...)
	}
	return nil
}

// precedence of the arithmetic operators, as in C.
var precedence = map[string]int{"|": 1, "^": 2, "&": 3, "<<": 4, ">>": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6}

// arithmetic is a number of operators that bind at least as strongly as least, or
// its substitute.
func (p *parser) arithmetic(least int) (node, error) {
	left, err := p.operand()
	for err == nil && isNumber(left) {
		op := p.peek().text
		strength := precedence[op]
		if strength == 0 || strength < least {
			return left, nil
		}
		p.at++
		p.last = nil
		var right node
		right, err = p.deeper(func() (node, error) { return p.number(strength + 1) })
		if zero, ok := right.(number); ok && zero == 0 && (op == "/" || op == "%") {
			err = errors.New("it divides by zero")
		}
		left = operation{op, left, right}
	}
	return left, err
}

// number is arithmetic that yields a number.
func (p *parser) number(least int) (node, error) {
	p.last = nil
	n, err := p.arithmetic(least)
	if err == nil && !isNumber(n) {
		err = errors.New("a number is missing")
	}
	return n, err
}

// operand is an operand of an operator.
func (p *parser) operand() (node, error) {
	t := p.peek()
	switch {
	case t.text == "":
		return nil, errors.New("its end is missing")
	case t.quoted:
		return p.primitive()
	case t.text == "(":
		p.at++
		n, err := p.deeper(p.alternatives)
		if err != nil {
			return nil, err
		}
		return n, p.expect(")")
	case t.text == "-":
		p.at++
		n, err := p.deeper(func() (node, error) { return p.number(7) })
		return operation{"-", number(0), n}, err
	case t.text == "len":
		p.at++
		return length{}, nil
	case p.follows("[") && (t.text == "ether" || etherTypes[t.text] != 0 || protocols[t.text] != 0):
		return p.access()
	}
	if value, ok := names[t.text]; ok {
		p.at++
		return number(value), nil
	}
	if value, err := strconv.ParseUint(t.text, 0, 32); err == nil && !p.isRepeated() {
		p.at++
		return number(value), nil
	}
	return p.primitive()
}

// follows reports whether the token after the next one is text.
func (p *parser) follows(text string) bool {
	return p.at+1 < len(p.tokens) && p.tokens[p.at+1].text == text
}

// isRepeated reports whether the number that comes next belongs to the primitive
// before it, as 443 in "port 80 or 443".
func (p *parser) isRepeated() bool {
	if p.last == nil {
		return false
	}
	if p.at+1 == len(p.tokens) {
		return true
	}
	return slices.Contains([]string{"and", "&&", "or", "||", ")"}, p.tokens[p.at+1].text)
}

// access is "proto[offset:size]".
func (p *parser) access() (node, error) {
	name := p.peek().text
	p.at += 2
	offset, err := p.deeper(func() (node, error) { return p.number(0) })
	if err != nil {
		return nil, err
	}
	size := uint64(1)
	if _, ok := p.accept(":"); ok {
		if size, err = strconv.ParseUint(p.peek().text, 10, 8); err != nil || size != 1 && size != 2 && size != 4 {
			return nil, fmt.Errorf("%q is not a number of bytes that can be read, use 1, 2 or 4", p.peek().text)
		}
		p.at++
	}
	if err := p.expect("]"); err != nil {
		return nil, err
	}
	return p.frame.access(name, offset, int(size))
}

// unknown reports that a word has no meaning in its place.
func unknown(word string) error {
	var words []string
	for _, m := range []map[string]uint32{etherTypes, protocols} {
		for name := range m {
			words = append(words, name)
		}
	}
	words = append(words, "host", "net", "port", "portrange", "proto", "src", "dst", "ether", "vlan", "len", "broadcast",
		"multicast")
	return fmt.Errorf("%q has no meaning here, %s", word, nearest.Advice(word, words))
}
