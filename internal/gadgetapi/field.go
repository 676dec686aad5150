package gadgetapi

import (
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// FieldKind describes how the text of a field is to be read.
type FieldKind uint8

// The kinds of fields. Text of Int, Uint, Float, Bool and Array fields is valid
// JSON as it stands; String text needs quoting; a List is several texts, of a char
// array; Struct fields have no text.
const (
	Int FieldKind = iota + 1
	Uint
	Float
	Bool
	String
	Array
	Struct
	List
)

// String returns the kind as documents name it.
func (k FieldKind) String() string {
	names := []string{"", "int", "uint", "float", "bool", "string", "array", "struct", "list"}
	if int(k) < len(names) {
		return names[k]
	}
	return ""
}

// Field is one typed value of an event, or a struct of such values.
type Field struct {
	Name     string // last part, as in JSON
	FullName string // dotted path from the event
	Kind     FieldKind
	Parent   *Field
	Children []*Field

	Offset, Size uint32   // bytes, in the event
	Types        []string // names met on the way to the base type
	Annotations  map[string]string

	// Base is the type without its names, nil for a field that is not in the
	// struct; Member is its position.
	Base   btf.Type
	Member btf.Member
	// Of is the field whose value a sibling shows as text, with Special for how,
	// or with an enum as its type.
	Of      *Field
	Special *Special
	// Provider is the operator that gives the field its value, "" for one that
	// comes out of the event.
	Provider string
}

// Hidden reports whether columns leave the field out unless it is requested.
func (f *Field) Hidden() bool { return f.Annotations[AnnotationHidden] == "true" }

// Alias returns the short name that users may use for the field, or its full
// name.
func (f *Field) Alias() string {
	if a := f.Annotations[AnnotationAlias]; a != "" {
		return a
	}
	return f.FullName
}

// HasType reports whether name is among the names of the field's type.
func (f *Field) HasType(name string) bool { return slices.Contains(f.Types, name) }

// IsNumber reports whether the value is one number.
func (f *Field) IsNumber() bool { return f.Kind >= Int && f.Kind <= Bool }

// SourceKind is how a data source gets its data.
type SourceKind string

// The kinds of data sources.
const (
	// Tracer sends single events through a ring buffer or a perf array.
	Tracer SourceKind = "tracer"
	// Iterator is filled by BPF iterator programs.
	Iterator SourceKind = "iterator"
	// MapIterator is a map, read at intervals.
	MapIterator SourceKind = "map iterator"
)

// Source is a data source: a name and the fields of its events.
type Source struct {
	Name        string
	Kind        SourceKind
	Size        uint32 // bytes of a whole event
	Annotations map[string]string
	Fields      []*Field // top level, in the order of the struct
	// Unshown are the members of the struct that have no text.
	Unshown []Unshown
	// Foreign are names that operators of other runners add; one that ends in
	// ".*" means all below it.
	Foreign []string
}

// Unshown is a member that no field represents, and why.
type Unshown struct {
	FullName, Why string
	Private       bool // its name begins with "__"
	Expected      bool // a special type shows it as a whole, in another field
}

// All returns every field in column order, parents before their children.
func (s *Source) All() []*Field {
	return Flatten(s.Fields, func(f *Field) []*Field { return f.Children })
}

// Flatten returns fields and those below them, parents before their children.
func Flatten[F any](fields []F, children func(F) []F) []F {
	var out []F
	for _, f := range fields {
		out = append(append(out, f), Flatten(children(f), children)...)
	}
	return out
}

// Lookup returns the field whose full name is name, or nil.
func (s *Source) Lookup(name string) *Field {
	for _, f := range s.All() {
		if f.FullName == name {
			return f
		}
	}
	return nil
}

// Namespace returns the first number of the special type typ, or nil.
func (s *Source) Namespace(typ string) *Field {
	for _, f := range s.All() {
		if f.HasType(typ) && f.IsNumber() {
			return f
		}
	}
	return nil
}

// IsForeign reports whether an operator of another runner may add the field.
func (s *Source) IsForeign(name string) bool {
	return slices.ContainsFunc(s.Foreign, func(foreign string) bool {
		prefix, all := strings.CutSuffix(foreign, "*")
		return name == foreign || all && strings.HasPrefix(name, prefix)
	})
}

// IsSpecial reports whether the field has a type that runners know by name.
func (f *Field) IsSpecial() bool {
	return slices.ContainsFunc(f.Types, func(name string) bool { return SpecialNamed(name) != nil })
}
