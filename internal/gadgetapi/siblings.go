package gadgetapi

import (
	"maps"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// format adds what the type of f requires: a formatted sibling, the texts of an
// endpoint, the name of an enum value.
func (b *builder) format(f *Field) {
	switch {
	case f.HasType(TypeUserStack):
		hideAll(f)
		return
	case f.Kind == Struct && (f.HasType(TypeL3) || f.HasType(TypeL4)):
		b.endpoint(f)
		return
	}
	if !f.IsNumber() {
		return
	}
	for _, t := range f.Types {
		if s := SpecialNamed(t); s != nil && s.Sibling != nil {
			b.sibling(f, s, s.Sibling)
			return
		}
	}
	if _, ok := f.Base.(*btf.Enum); ok {
		b.sibling(f, nil, &enumSibling)
	}
}

func (b *builder) sibling(f *Field, special *Special, s *Sibling) {
	name := f.Annotations[s.Target]
	if name == "" {
		name, _ = strings.CutSuffix(f.Name, rawSuffix)
	}
	if name == f.Name {
		name = s.Fallback
	}
	siblings := &b.src.Fields
	if f.Parent != nil {
		siblings = &f.Parent.Children
	}
	if name == "" || slices.ContainsFunc(*siblings, func(o *Field) bool { return o.Name == name }) {
		return
	}
	out := b.derived(f, name, s)
	out.Special = special
	*siblings = slices.Insert(*siblings, slices.Index(*siblings, f)+1, out)
	if !b.decides(f, AnnotationHidden) {
		f.Annotations[AnnotationHidden] = "true"
	}
}

// derived returns the field that shows f's number as text.
func (b *builder) derived(f *Field, name string, s *Sibling) *Field {
	out := &Field{
		Name: name, FullName: strings.TrimSuffix(f.FullName, f.Name) + name, Kind: String, Parent: f.Parent,
		Offset: f.Offset, Size: f.Size, Annotations: map[string]string{}, Of: f, Provider: s.Provider,
	}
	maps.Copy(out.Annotations, templates[s.Template])
	if s.Fallback != "" && !s.Shown {
		out.Annotations[AnnotationHidden] = "true"
		if _, ok := f.Annotations[AnnotationAlias]; ok {
			out.Annotations[AnnotationAlias] = name
		}
	}
	b.annotateByName(out)
	return out
}

// endpoint replaces the address union of an l3 or l4 endpoint by its text, and
// adds the text of the protocol.
func (b *builder) endpoint(f *Field) {
	raw := f.Child(func(c *Field) bool { return c.HasType(TypeIPAddr) })
	version := f.Child(func(c *Field) bool { return c.Name == "version" && c.IsNumber() })
	if raw == nil || version == nil || raw.Size < 16 {
		return
	}
	hideAll(f)
	f.Children = slices.DeleteFunc(f.Children, func(c *Field) bool { return c == raw })
	b.text(f, raw, strings.TrimSuffix(raw.Name, rawSuffix))
	if !b.decides(f, AnnotationHidden) {
		delete(f.Annotations, AnnotationHidden)
	}
	if !f.HasType(TypeL4) {
		return
	}
	for k, v := range templates["l4endpoint"] {
		if _, present := f.Annotations[k]; !present {
			f.Annotations[k] = v
		}
	}
	if proto := f.Child(func(c *Field) bool { return c.Name == "proto_raw" && c.IsNumber() }); proto != nil {
		b.text(f, proto, "proto")
	}
}

// text adds a hidden text field of another one below f.
func (b *builder) text(f, of *Field, name string) {
	c := &Field{
		Name: name, FullName: f.FullName + "." + name, Kind: String, Parent: f, Of: of,
		Annotations: map[string]string{AnnotationHidden: "true"},
	}
	b.annotateByName(c)
	f.Children = append(f.Children, c)
}

// Child returns the first field right below f that matches, or nil.
func (f *Field) Child(match func(*Field) bool) *Field {
	if i := slices.IndexFunc(f.Children, match); i >= 0 {
		return f.Children[i]
	}
	return nil
}

func hideAll(f *Field) {
	for _, c := range f.Children {
		c.Annotations[AnnotationHidden] = "true"
		hideAll(c)
	}
}
