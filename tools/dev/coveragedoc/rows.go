package main

import (
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/operator"
)

// group is a part of the page.
type group string

// The groups, in the order of the page.
const (
	sections    group = "Sections"
	macros      group = "Macros"
	types       group = "Special types"
	ofSources   group = "Annotations of data sources"
	ofFields    group = "Annotations of fields"
	ofOperators group = "Operators"
)

var groups = []group{sections, macros, types, ofSources, ofFields, ofOperators}

// row is something that the gadget API names.
type row struct {
	group group
	name  string
	// kind is that of a section.
	kind string
	// foreign means that only other runners act on it.
	foreign bool
}

// rows returns all of them, from the tables that the code reads.
func rows() []row {
	var out []row
	for _, k := range gadgetapi.Kinds() {
		for _, s := range k.Sections {
			if k.Attachable() {
				out = append(out, row{group: sections, name: s, kind: k.Name})
			}
		}
	}
	for _, d := range gadgetapi.Declarations() {
		for _, m := range d.Macros {
			out = append(out, row{group: macros, name: m})
		}
	}
	for _, s := range gadgetapi.Specials() {
		out = append(out, row{group: types, name: s.Name})
	}
	for _, a := range gadgetapi.SourceAnnotations() {
		out = append(out, row{group: ofSources, name: a.Name, foreign: a.By == ""})
	}
	for _, a := range gadgetapi.FieldAnnotations() {
		out = append(out, row{group: ofFields, name: a.Name, foreign: a.By == ""})
	}
	for _, o := range operator.All() {
		out = append(out, row{group: ofOperators, name: o.Name})
	}
	return out
}

// sectionOf returns the row of the section of a program, "" for one that is not
// attached.
func sectionOf(section string) string {
	k, err := gadgetapi.KindOf(section)
	if err != nil || !k.Attachable() {
		return ""
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(section, "?"), "/")
	name := strings.TrimSuffix(first, ".s") + "/" + rest
	best := ""
	for _, s := range k.Sections {
		if strings.HasPrefix(name+"/", strings.TrimSuffix(s, "*")) && len(s) > len(best) {
			best = s
		}
	}
	return best
}
