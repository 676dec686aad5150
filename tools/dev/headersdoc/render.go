package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

const intro = `# Declarations of the headers

<!-- Written by tools/dev/headersdoc from the comments of gadgets/include/gadget. -->

What the headers below ` + "`<gadget/...>`" + ` declare for gadgets. [Headers for gadgets](../gadgets/include/README.md) says which one is for what, and
the rules for events; [special types](gadget-yaml.md#special-types) are those that a runner formats.
`

// render returns the page. What is declared without a comment is an error, except
// constants.
func render(files fs.FS) ([]byte, error) {
	names, err := fs.Glob(files, "gadget/*.h")
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	page.WriteString(intro)
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		if err := section(&page, path.Base(name), parse(string(data))); err != nil {
			return nil, err
		}
	}
	return page.Bytes(), nil
}

// section writes what one header declares.
func section(w *bytes.Buffer, name string, h header) error {
	if h.doc == "" {
		return fmt.Errorf("%s has no comment before its first declaration", name)
	}
	fmt.Fprintf(w, "\n## gadget/%s\n\n%s\n", name, h.doc)
	var constants []string
	var documented []declaration
	for _, d := range h.declarations {
		last := len(documented) - 1
		switch {
		case d.kind == constant && d.doc == "":
			constants = append(constants, "`"+d.name+"`")
		case d.doc == "":
			return fmt.Errorf("%s: the %s %q has no comment before it", name, d.kind, d.name)
		case last >= 0 && documented[last].doc == d.doc && documented[last].kind == d.kind: // one comment for both
			documented[last].code += "`, `" + d.code
		default:
			documented = append(documented, d)
		}
	}
	if len(documented) > 0 {
		w.WriteString("\n| declaration | kind | meaning |\n|---|---|---|\n")
	}
	for _, d := range documented {
		fmt.Fprintf(w, "| `%s` | %s | %s |\n", cell(d.code), d.kind, cell(d.doc+members(d.members)))
	}
	if len(constants) > 0 {
		fmt.Fprintf(w, "\nConstants: %s.\n", strings.Join(constants, ", "))
	}
	return nil
}

// members is the sentence about the members of a struct.
func members(all []member) string {
	var parts []string
	for _, m := range all {
		part := m.names
		if m.doc != "" {
			part += " (" + strings.TrimSuffix(m.doc, ".") + ")"
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return ""
	}
	return " Members: " + strings.Join(parts, ", ") + "."
}

// cell makes text fit for a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
