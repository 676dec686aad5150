package gadget

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
)

// maxTemplate bounds what one template makes, in bytes.
const maxTemplate = 64 << 10

// maxWidth is the widest field that a template's printf makes; 4 digits are more.
const maxWidth = 999

// execute returns what a template makes. One that could run for long is refused:
// it is from the gadget.
func (c *customizer) execute(text string) (string, error) {
	t, err := template.New("patch").Funcs(boundedFuncs).Parse(text)
	if err != nil {
		return "", err
	}
	if t.Tree != nil && repeats(t.Root) {
		return "", errors.New("a template of gadget.yaml cannot use range or template")
	}
	out := &limitedBuffer{left: maxTemplate}
	err = t.Execute(out, map[string]any{
		"getParamValue": c.value,
		"getConfig":     func(key string) string { return c.config(c.root, strings.Split(key, ".")) },
	})
	return out.String(), shortened(err)
}

// shortened returns what a function or the output said, without the text of the
// template that text/template puts before it, which may be long.
func shortened(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// repeats reports whether a template has a part that can run again and again.
func repeats(n parse.Node) bool {
	branch := func(b parse.BranchNode) bool {
		return repeats(b.List) || b.ElseList != nil && repeats(b.ElseList)
	}
	switch n := n.(type) {
	case *parse.RangeNode, *parse.TemplateNode:
		return true
	case *parse.ListNode:
		return n != nil && slices.ContainsFunc(n.Nodes, repeats)
	case *parse.IfNode:
		return branch(n.BranchNode)
	case *parse.WithNode:
		return branch(n.BranchNode)
	}
	return false
}

// boundedFuncs replace the functions of text/template whose result can be longer
// than what they are given: one after the other they would fill the memory.
var boundedFuncs = template.FuncMap{
	"html":     bounded(template.HTMLEscaper),
	"js":       bounded(template.JSEscaper),
	"print":    bounded(fmt.Sprint),
	"println":  bounded(fmt.Sprintln),
	"printf":   boundedPrintf,
	"urlquery": bounded(template.URLQueryEscaper),
}

var errLong = fmt.Errorf("a function of a template makes more than %d bytes", maxTemplate)

// bounded returns fn for at most maxTemplate bytes of arguments and of result. What it
// escapes gets longer by a small factor.
func bounded(fn func(args ...any) string) func(args ...any) (string, error) {
	return func(args ...any) (string, error) {
		if sizeOf(args) > maxTemplate {
			return "", errLong
		}
		out := fn(args...)
		if len(out) > maxTemplate {
			return "", errLong
		}
		return out, nil
	}
}

// boundedPrintf is fmt.Sprintf for widths of up to maxWidth and results of up to
// maxTemplate bytes, which are estimated before they are made.
func boundedPrintf(format string, args ...any) (string, error) {
	digits := 0
	for _, c := range format {
		if c == '*' {
			return "", errors.New("printf in a template takes no width from an argument")
		}
		if digits++; c < '0' || c > '9' {
			digits = 0
		}
		if digits > len("999") {
			return "", fmt.Errorf("printf in a template takes widths of up to %d", maxWidth)
		}
	}
	if verbs := strings.Count(format, "%"); len(format)+verbs*(maxWidth+sizeOf(args)) > 64*maxTemplate {
		return "", errLong
	}
	return bounded(func(args ...any) string { return fmt.Sprintf(format, args...) })(args...)
}

// sizeOf returns how many bytes of text arguments have. What is not a text is a
// number, a boolean or a function.
func sizeOf(args []any) int {
	n := 0
	for _, a := range args {
		if s, ok := a.(string); ok {
			n += len(s)
		}
	}
	return n
}

// limitedBuffer takes a limited number of bytes.
type limitedBuffer struct {
	bytes.Buffer
	left int
}

// Write implements io.Writer.
func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, fmt.Errorf("it makes more than %d bytes", maxTemplate)
	}
	return b.Buffer.Write(p)
}
