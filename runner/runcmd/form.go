package runcmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/filterexpr"
	"github.com/rules-gadget/rules_gadget/runner/output"
)

// The annotations of a data source that specify the format in which it is shown.
const (
	annotationModes = "cli.supported-output-modes"
	annotationMode  = "cli.default-output-mode"
	annotationClear = "cli.clear-screen-before"
)

// unlimited is the value of --max-entries that shows all entries.
const unlimited = -1

// former turns the flags of a run into what each data source needs.
type sourceConfig struct {
	*session
	names []string               // of the data sources
	width int                    // of the terminal, 0 if none exists
	modes map[string]output.Mode // of the data sources that write
}

// form fills p with what the flags request for data source src.
func (f sourceConfig) form(p *part, src *field.Source) error {
	v, err := f.view(src)
	if err != nil {
		return err
	}
	if v.mode == "" {
		v.mode = f.mode(src)
	}
	if v.fields == "" {
		v.fields = scoped(f.cmd.Fields, src.Name, f.names)
	}
	if v.mode != output.None {
		f.modes[src.Name] = v.mode
	}
	p.encoder, err = output.New(src, output.Options{
		Mode: v.mode, Fields: v.fields, Width: f.width, Size: f.screenSize(),
		Clear: f.width > 0 && cli.IsScreen(f.g.Stdout) && src.Annotations[annotationClear] == "true",
	})
	if err != nil {
		return err
	}
	if p.match, err = f.filter(src); err != nil || !src.Array {
		return err
	}
	if p.most, err = f.maxEntries(src); err != nil {
		return err
	}
	p.sort, err = field.Sorter(src, scoped(f.cmd.Sort, src.Name, f.names))
	return err
}

// mode returns the form of src unless the user gives one: the gadget's, or columns.
func (f sourceConfig) mode(src *field.Source) output.Mode {
	modes := modeNames()
	candidates := append([]string{src.Annotations[annotationMode]}, strings.Split(src.Annotations[annotationModes],
		",")...)
	if slices.Contains(candidates[1:], string(output.Columns)) && candidates[0] == "" {
		return output.Columns
	}
	for _, c := range candidates {
		m := output.Mode(strings.TrimSpace(c))
		if slices.Contains(modes, string(m)) && !(m.Binary() && f.width > 0) {
			return m
		}
	}
	return output.Columns
}

func (f sourceConfig) maxEntries(src *field.Source) (int, error) {
	value, err := perSource(f.cmd.MaxEntries, src.Name, f.names)
	if err != nil {
		return 0, fmt.Errorf("--max-entries %q: %w", f.cmd.MaxEntries, err)
	}
	if value == "" {
		return unlimited, nil
	}
	return readMaxEntries(value)
}

// filter returns the test that every rule and every expression passes, nil if
// none exists.
func (f sourceConfig) filter(src *field.Source) (func(sample []byte) bool, error) {
	rules, err := field.Filter(src, scopedAll(f.cmd.Filter, src.Name, f.names))
	if err != nil {
		return nil, err
	}
	match, err := f.selected(src)
	if err != nil {
		return nil, err
	}
	match = both(match, rules)
	for _, text := range scopedAll(f.cmd.FilterExpr, src.Name, f.names) {
		expr, err := f.expression(src, text)
		if err != nil {
			return nil, fmt.Errorf("filter expression %q: %w", text, err)
		}
		match = both(match, expr)
	}
	return match, nil
}

// both returns a test that passes what two tests pass; nil passes everything.
func both(first, second func(sample []byte) bool) func(sample []byte) bool {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return func(s []byte) bool { return first(s) && second(s) }
}

// expression compiles text. Events for which it fails are not shown; the first
// one of them is reported.
func (f sourceConfig) expression(src *field.Source, text string) (func(sample []byte) bool, error) {
	compiled, err := filterexpr.Compile(src, text)
	if err != nil {
		return nil, err
	}
	reported := false
	return func(s []byte) bool {
		holds, err := compiled.Match(s)
		if err != nil && !reported {
			reported = true
			f.notef("filter expression %q: %v, events like this one are not shown", text, err)
		}
		return holds
	}, nil
}
