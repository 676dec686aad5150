// Package field gives the fields of a data source, as gadgetapi describes them,
// their decoders: each is prepared once and appends text to a buffer.
package field

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

// Kind specifies how the text of a field is interpreted.
type Kind = gadgetapi.FieldKind

// The kinds of fields. Text of Int, Uint, Float, Bool and Array fields is valid
// JSON as it is; String text needs quoting; the texts of a List are in its
// text one after the other; Struct fields have no text.
const (
	Int    = gadgetapi.Int
	Uint   = gadgetapi.Uint
	Float  = gadgetapi.Float
	Bool   = gadgetapi.Bool
	String = gadgetapi.String
	Array  = gadgetapi.Array
	Struct = gadgetapi.Struct
	List   = gadgetapi.List
)

// The annotations of gadget.yaml that decide about a field itself.
const (
	AnnotationHidden      = gadgetapi.AnnotationHidden
	AnnotationAlias       = gadgetapi.AnnotationAlias
	AnnotationTemplate    = gadgetapi.AnnotationTemplate
	AnnotationDescription = gadgetapi.AnnotationDescription
	AnnotationSkipJSON    = gadgetapi.AnnotationSkipJSON
)

// AppendFunc appends the text of one field of sample to dst. sample is never
// shorter than the size of the source.
type AppendFunc func(dst, sample []byte) []byte

// NumberFunc returns the value of an Int (sign extended), Uint, Bool or Float
// (its IEEE 754 bits) field of sample.
type NumberFunc func(sample []byte) uint64

// Field is one typed value of an event, or a struct of such fields.
type Field struct {
	Name     string // last part, as in JSON
	FullName string // dotted path from the event
	Kind     Kind
	Parent   *Field
	Children []*Field

	Offset, Size uint32   // bytes, in the event
	Types        []string // names met on the way to the base type
	Annotations  map[string]string

	Append AppendFunc // nil for Struct
	Number NumberFunc // nil for String, List, Array and Struct
	List   ListFunc   // nil for all but List
	// Time reports whether it is a timestamp, or the text of one.
	Time bool
	// Constant reports whether Append gives the same for every sample.
	Constant bool

	// Provider is the operator that gives the field its value, "" for one that
	// comes out of the event.
	Provider string

	// Raw appends the bytes that Append shows in another form, nil where it shows
	// them as they are.
	Raw AppendFunc

	columns AppendFunc // what a column shows instead, "addr:port"
}

// Hidden reports whether columns omit the field unless it is requested.
func (f *Field) Hidden() bool { return f.Annotations[AnnotationHidden] == "true" }

// SkipJSON reports whether JSON and YAML leave the field out.
func (f *Field) SkipJSON() bool { return f.Annotations[AnnotationSkipJSON] == "true" }

// Alias returns the short name that users may use for the field, or its full
// name.
func (f *Field) Alias() string {
	if a := f.Annotations[AnnotationAlias]; a != "" {
		return a
	}
	return f.FullName
}

// Column returns what a column of the field prints, nil when it has no text: a
// plain struct.
func (f *Field) Column() AppendFunc {
	if f.columns != nil {
		return f.columns
	}
	return f.Append
}

func (f *Field) hasType(name string) bool { return slices.Contains(f.Types, name) }

// Source is a data source: a name and the fields of its events.
type Source struct {
	Name        string
	Size        uint32 // bytes of a record: the event, and what operators add
	EventSize   uint32 // bytes of the event alone
	Array       bool   // entries come many at once, not one by one
	Annotations map[string]string
	Fields      []*Field // top level, in the order of the struct

	namespaces func(sample []byte) (mountNS, netNS uint64) // nil when events carry none
	rest       uint32                                      // where the length of the rest is, 0 for no rest
}

// All returns every field in column order, parents before their children.
func (s *Source) All() []*Field {
	return gadgetapi.Flatten(s.Fields, func(f *Field) []*Field { return f.Children })
}

// Named returns the field whose full name is name, or nil.
func (s *Source) Named(name string) *Field {
	all := s.All()
	if i := slices.IndexFunc(all, func(f *Field) bool { return f.FullName == name }); i >= 0 {
		return all[i]
	}
	return nil
}

// Lookup returns the field whose full name or alias is name, in any case, or
// nil. A full name wins over an alias, an earlier alias over a later one.
func (s *Source) Lookup(name string) *Field {
	all := s.All()
	for _, f := range all {
		if strings.EqualFold(f.FullName, name) {
			return f
		}
	}
	for _, f := range all {
		if strings.EqualFold(f.Alias(), name) {
			return f
		}
	}
	return nil
}

// Unknown returns the error for a name that Lookup finds no field for.
func (s *Source) Unknown(name string) error {
	var names, aliases []string
	for _, f := range s.All() {
		names, aliases = append(names, f.FullName), append(aliases, f.Alias())
	}
	return fmt.Errorf("data source %q has no field %q, %s", s.Name, name, nearest.Advice(name, names, aliases...))
}

// value returns the field called name, which must have a value.
func (s *Source) value(name string) (*Field, error) {
	f := s.Lookup(name)
	if f == nil {
		return nil, s.Unknown(name)
	}
	if f.Column() == nil {
		var inner []string
		for _, c := range f.Children {
			inner = append(inner, c.FullName)
		}
		return nil, fmt.Errorf("field %q of data source %q has no value of its own, name one of its fields: %s",
			f.FullName, s.Name, strings.Join(inner, ", "))
	}
	return f, nil
}
