package main

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is what a declaration declares.
type kind string

const (
	constant kind = "constant"
	function kind = "function"
	macro    kind = "macro"
	mapKind  kind = "map"
	typeKind kind = "type"
	variable kind = "variable"
)

// declaration is one that gadgets may use.
type declaration struct {
	kind kind
	name string
	code string // what to write: a prototype, "struct x"
	doc  string // one paragraph, "" for none
	// members of a struct, those with one comment together.
	members []member
}

type member struct{ names, doc string }

// header is what a header declares, in its order.
type header struct {
	doc          string
	declarations []declaration
}

var (
	defineLine   = regexp.MustCompile(`^#define (\w+)(\([^)]*\))?`)
	typedefLine  = regexp.MustCompile(`^typedef .*?(\w+);$`)
	structLine   = regexp.MustCompile(`^(struct|union|enum) (\w+)(?: : \w+)? \{$`)
	mapLine      = regexp.MustCompile(`^\} (\w+) SEC\("\.maps"\);$`)
	mapMacroLine = regexp.MustCompile(`^__\w*map\((\w+),`)
	variableLine = regexp.MustCompile(`^const volatile \w+ (\w+)`)
	pointerLine  = regexp.MustCompile(`^static .*\(\*(\w+)\)\(`)
	functionName = regexp.MustCompile(`(\w+)\(`)
	qualifiers   = regexp.MustCompile(`__attribute__\(\(.*?\)\)+|\b(static|__always_inline|__noinline)\b`)
	memberLine   = regexp.MustCompile(`(\w+)(\[[^\]]*\])?( = \w+)?( __attribute__.*)?[;,](?:\s*/\* (.*) \*/)?$`)
	prototype    = regexp.MustCompile(`^((?:[\w ]+[ *])?\w+(?:\([^)]*\))?): `)
)

// parser reads a header line by line, formatted as clang-format leaves it.
type parser struct {
	lines []string
	next  int
	doc   string // of the comment before this line
	out   header
}

func parse(text string) header {
	p := parser{lines: strings.Split(text, "\n")}
	first := true
	for p.next < len(p.lines) {
		line := p.lines[p.next]
		if !strings.HasPrefix(line, "/*") {
			p.line(line)
			continue
		}
		comment := p.comment()
		switch {
		case strings.HasPrefix(comment, "SPDX"):
		case first:
			p.out.doc, first = comment, false
		default:
			p.doc = comment
		}
	}
	return p.out
}

// comment reads a comment and returns its paragraphs, each one line, with empty
// lines between them.
func (p *parser) comment() string {
	var paragraphs []string
	var words []string
	for {
		line := strings.TrimSpace(p.lines[p.next])
		p.next++
		end := strings.HasSuffix(line, "*/")
		line = strings.TrimPrefix(strings.TrimSuffix(line, "*/"), "/*")
		line = strings.TrimPrefix(line, "*")
		more := strings.Fields(line)
		words = append(words, more...)
		end = end || p.next == len(p.lines)
		if (len(more) == 0 || end) && len(words) > 0 {
			paragraphs, words = append(paragraphs, strings.Join(words, " ")), nil
		}
		if end {
			return strings.Join(paragraphs, "\n\n")
		}
	}
}

// line reads the declaration that begins with this line.
func (p *parser) line(line string) {
	p.next++
	switch {
	case line == "":
		p.doc = ""
	case defineLine.MatchString(line):
		p.define(defineLine.FindStringSubmatch(line))
		for strings.HasSuffix(p.lines[p.next-1], `\`) {
			p.next++
		}
	case typedefLine.MatchString(line):
		p.add(declaration{kind: typeKind, name: typedefLine.FindStringSubmatch(line)[1]})
	case structLine.MatchString(line):
		m := structLine.FindStringSubmatch(line)
		p.add(declaration{kind: typeKind, name: m[2], code: m[1] + " " + m[2], members: p.body()})
	case line == "struct {":
		p.anonymous()
	case mapMacroLine.MatchString(line):
		p.add(declaration{kind: mapKind, name: mapMacroLine.FindStringSubmatch(line)[1]})
	case variableLine.MatchString(line):
		p.add(declaration{kind: variable, name: variableLine.FindStringSubmatch(line)[1]})
	case pointerLine.MatchString(line):
		p.add(declaration{kind: function, name: pointerLine.FindStringSubmatch(line)[1]})
	case strings.HasPrefix(line, "static "), strings.HasPrefix(line, "__attribute__"):
		p.function(line)
	}
}

func (p *parser) define(m []string) {
	d := declaration{kind: constant, name: m[1]}
	if m[2] != "" {
		d.kind, d.code = macro, m[1]+m[2]
	}
	p.add(d)
}

// body reads the members of a struct and its end.
func (p *parser) body() []member {
	var out []member
	doc, fresh := "", true
	for ; p.next < len(p.lines) && !strings.HasPrefix(p.lines[p.next], "}"); p.next++ {
		line := strings.TrimSpace(p.lines[p.next])
		switch {
		case line == "":
			doc, fresh = "", true
		case strings.HasPrefix(line, "/*"):
			doc, fresh = p.comment(), true
			p.next--
		case memberLine.MatchString(line):
			m := memberLine.FindStringSubmatch(line)
			name, after := "`"+m[1]+"`", m[5]
			if fresh || doc == "" {
				out = append(out, member{name, cmp.Or(after, doc)})
			} else {
				out[len(out)-1].names += ", " + name
			}
			fresh = after != ""
		}
	}
	p.next++
	return out
}

// anonymous reads a struct without a name: a map, by its last line.
func (p *parser) anonymous() {
	for !strings.HasPrefix(p.lines[p.next], "}") {
		p.next++
	}
	if m := mapLine.FindStringSubmatch(p.lines[p.next]); m != nil {
		p.add(declaration{kind: mapKind, name: m[1]})
	}
	p.next++
}

func (p *parser) function(line string) {
	text := line
	for !strings.HasSuffix(text, ")") && !strings.HasSuffix(text, ";") && p.lines[p.next] != "{" {
		text += " " + strings.TrimSpace(p.lines[p.next])
		p.next++
	}
	if !strings.HasSuffix(text, ";") {
		for !strings.HasPrefix(p.lines[p.next], "}") {
			p.next++
		}
		p.next++
	}
	code := strings.Join(strings.Fields(qualifiers.ReplaceAllString(text, "")), " ")
	code = strings.ReplaceAll(code, "* ", "*")
	if m := functionName.FindStringSubmatch(code); m != nil {
		p.add(declaration{kind: function, name: m[1], code: code})
	}
}

// add takes a declaration with the comment before it, unless it is not for
// gadgets: what begins with two underscores, and what replaces a struct of the
// kernel. A comment that begins with a prototype has the better one.
func (p *parser) add(d declaration) {
	if strings.HasPrefix(d.name, "__") || strings.Contains(d.name, "___") {
		return
	}
	d.doc = strings.ReplaceAll(p.doc, "\n\n", " ")
	if m := prototype.FindStringSubmatch(d.doc); len(m) > 1 && strings.Contains(m[1], d.name) {
		d.doc = upper(strings.TrimPrefix(d.doc, m[0]))
		if strings.Contains(m[1], "(") {
			d.code = m[1]
		}
	}
	if d.code == "" {
		d.code = d.name
	}
	// What is different by architecture is declared for each.
	if !slices.ContainsFunc(p.out.declarations, func(o declaration) bool { return o.code == d.code }) {
		p.out.declarations = append(p.out.declarations, d)
	}
	if d.kind == function || d.kind == macro {
		p.doc = ""
	}
}

// upper makes the first letter a capital.
func upper(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}
