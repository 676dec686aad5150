package gadget

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

// Problem is something wrong in a YAML file of a gadget, with its place.
type Problem struct {
	// File is the name that the reader was given.
	File string
	// Line is 1-based; 0 means the whole file.
	Line int
	// Text describes the problem and, after a comma, gives the hint.
	Text string
	// Warning marks what does not make the file unusable.
	Warning bool
}

// String returns "file:line: text".
func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.File, p.Text)
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text)
}

// Problems is what a reader or a check found, in the order of the file.
type Problems []Problem

// maxLines is how many problems an error shows.
const maxLines = 20

// Err returns the problems that are not warnings as one error, a line each, or
// nil. Of very many it counts the rest.
func (ps Problems) Err() error {
	lines := []string{}
	for _, p := range ps {
		if !p.Warning {
			lines = append(lines, p.String())
		}
	}
	if len(lines) == 0 {
		return nil
	}
	if more := len(lines) - maxLines; more > 1 {
		lines = append(lines[:maxLines], fmt.Sprintf("and %d more", more))
	}
	return errors.New(strings.Join(lines, "\n"))
}

// Warnings returns the problems that are warnings.
func (ps Problems) Warnings() Problems {
	return slices.DeleteFunc(slices.Clone(ps), func(p Problem) bool { return !p.Warning })
}

// sorted returns ps in the order of lines.
func (ps Problems) sorted() Problems {
	out := slices.Clone(ps)
	slices.SortStableFunc(out, func(a, b Problem) int { return a.Line - b.Line })
	return out
}

// yamlReader walks the nodes of one YAML file and collects problems. Its
// methods take what the node is called in messages.
type yamlReader struct {
	file     string
	lenient  bool
	problems Problems
	visited  int
}

// maxValues bounds the values in a file, those of aliases counted
// each time: a small file can name the same ones a billion times.
const maxValues = 1 << 17

// within counts the values of n and reports whether they may still be read.
func (r *yamlReader) within(n *yaml.Node) bool {
	if r.visited > maxValues {
		return false
	}
	if r.visited += len(n.Content) + 1; r.visited > maxValues {
		r.fail(n, "there are more than %d values, with those of aliases, leave some out", maxValues)
		return false
	}
	return true
}

// fail records a problem that is an error in all modes.
func (r *yamlReader) fail(n *yaml.Node, format string, args ...any) {
	r.add(n, false, format, args...)
}

// warn records a problem that is only a warning in lenient mode.
func (r *yamlReader) warn(n *yaml.Node, format string, args ...any) {
	r.add(n, r.lenient, format, args...)
}

func (r *yamlReader) add(n *yaml.Node, warning bool, format string, args ...any) {
	line := 0
	if n != nil {
		line = n.Line
	}
	r.problems = append(r.problems, Problem{
		File: r.file, Line: line, Text: fmt.Sprintf(format, args...), Warning: warning,
	})
}

// document returns the root node of the only document in data, nil when it is
// empty or unreadable.
func (r *yamlReader) document(data []byte) *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		r.syntax(err)
		return nil
	}
	var next yaml.Node
	if err := dec.Decode(&next); err == nil {
		r.warn(&next, "a second YAML document begins here, only one is read")
	} else if !errors.Is(err, io.EOF) {
		r.syntax(err)
	}
	return doc.Content[0]
}

// syntax records an error of the YAML reader, which names the line itself
// unless it is the first.
func (r *yamlReader) syntax(err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if n, _ := fmt.Sscanf(text, "line %d:", &line); n == 1 {
		_, text, _ = strings.Cut(text, ": ")
	}
	r.problems = append(r.problems, Problem{File: r.file, Line: line, Text: "no valid YAML: " + text})
}

// pairs calls visit for each key and value of the mapping n. An absent or
// null node is an empty mapping.
func (r *yamlReader) pairs(n *yaml.Node, what string, visit func(key, value *yaml.Node)) {
	if n = resolve(n); isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.fail(n, "%s is %s, want a mapping", what, kindName(n))
		return
	}
	if !r.within(n) {
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolve(n.Content[i+1])
		if key.Kind != yaml.ScalarNode {
			r.fail(key, "a key of %s is %s, want a string", what, kindName(key))
			continue
		}
		if first, ok := seen[key.Value]; ok {
			r.fail(key, "%s has the key %q twice, first in line %d", what, key.Value, first)
			continue
		}
		seen[key.Value] = key.Line
		visit(key, value)
	}
}

// fields is pairs for a mapping whose keys are known: each value goes to the
// reader of its key, in whatever case it is written. Others are doubted, with
// the nearest known one.
func (r *yamlReader) fields(n *yaml.Node, what string, readers map[string]func(*yaml.Node)) {
	folded := map[string]string{}
	names := []string{}
	for name := range readers {
		folded[strings.ToLower(name)] = name
		names = append(names, name)
	}
	seen := map[string]int{}
	r.pairs(n, what, func(key, value *yaml.Node) {
		name, ok := folded[strings.ToLower(key.Value)]
		if !ok {
			r.warn(key, "unknown key %q in %s, %s", key.Value, what, nearest.Advice(key.Value, names))
			return
		}
		if first, ok := seen[name]; ok {
			r.fail(key, "%s has the key %q twice, first in line %d", what, name, first)
			return
		}
		seen[name] = key.Line
		readers[name](value)
	})
}

// text returns the scalar n as it is written; null is empty.
func (r *yamlReader) text(n *yaml.Node, what string) string {
	if n = resolve(n); isNull(n) {
		return ""
	}
	if n.Kind != yaml.ScalarNode {
		r.fail(n, "%s is %s, want a string", what, kindName(n))
		return ""
	}
	return n.Value
}

// boolean returns the scalar n as true or false.
func (r *yamlReader) boolean(n *yaml.Node, what string) bool {
	var b bool
	if n = resolve(n); isNull(n) {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.Decode(&b) != nil {
		r.fail(n, "%s is %s, want true or false", what, kindName(n))
	}
	return b
}

// list returns the strings of the sequence n.
func (r *yamlReader) list(n *yaml.Node, what string) []string {
	if n = resolve(n); isNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "%s is %s, want a list of strings", what, kindName(n))
		return nil
	}
	if !r.within(n) {
		return nil
	}
	out := []string{}
	for _, item := range n.Content {
		out = append(out, r.text(item, "an element of "+what))
	}
	return out
}

// strings returns the mapping n from string to string.
func (r *yamlReader) strings(n *yaml.Node, what string) map[string]string {
	out := map[string]string{}
	r.pairs(n, what, func(key, value *yaml.Node) {
		out[key.Value] = r.text(value, fmt.Sprintf("%s %q", what, key.Value))
	})
	return out
}

// resolve returns what an alias refers to.
func resolve(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool {
	return n == nil || n.Kind == 0 || (n.Kind == yaml.ScalarNode && n.Tag == "!!null")
}

// kindName describes what kind of value n is, for messages.
func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return fmt.Sprintf("%q", n.Value)
}
