package gadgetapi

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// The limits of an event struct.
const (
	MaxDepth  = 16      // nested structs
	MaxFields = 4096    // in one source
	MaxSize   = 1 << 20 // bytes of one event
)

// rawSuffix ends the name of a field whose sibling has the name without it.
const rawSuffix = "_raw"

// DescribeOptions give Describe what the struct alone does not have.
type DescribeOptions struct {
	Name string // of the source
	Kind SourceKind
	// DataSource is what gadget.yaml decides.
	DataSource DataSource
	// NoContainers leaves out the fields that describe containers.
	NoContainers bool
	// ShowContainer shows the container's name in columns.
	ShowContainer bool
}

// Describe returns the data source that events of type typ make up: the fields
// of the struct, those with their texts, and those that operators add.
func Describe(typ *btf.Struct, opts DescribeOptions) (*Source, error) {
	if typ.Size > MaxSize {
		return nil, fmt.Errorf("event struct %q has %d bytes, more than %d", typ.Name, typ.Size, MaxSize)
	}
	src := &Source{Name: opts.Name, Kind: opts.Kind, Size: typ.Size, Annotations: opts.DataSource.Annotations}
	b := &builder{opts: opts, src: src}
	var err error
	if src.Fields, err = b.members(typ.Members, frame{owner: typ.Name}); err != nil {
		return nil, fmt.Errorf("reading event struct %q: %w", typ.Name, err)
	}
	for _, f := range src.All() {
		b.format(f)
	}
	if err := src.checkStrings(); err != nil {
		return nil, err
	}
	for i := range providers {
		if providers[i].provide != nil {
			providers[i].provide(src, b)
		}
	}
	if src.Annotations["kubenameresolver.enable"] == "true" {
		src.Foreign = append(src.Foreign, "k8s", "k8s.*")
	}
	return src, nil
}

type builder struct {
	opts  DescribeOptions
	src   *Source
	count int
}

// frame is the position of the walk through nested structs.
type frame struct {
	parent *Field
	owner  string // name of the struct or union
	prefix string
	offset uint32
	depth  int
}

func (b *builder) members(ms []btf.Member, at frame) ([]*Field, error) {
	if at.depth > MaxDepth {
		return nil, fmt.Errorf("more than %d nested structs", MaxDepth)
	}
	var out []*Field
	for _, m := range ms {
		switch {
		case strings.HasPrefix(m.Name, "__"):
			b.src.Unshown = append(b.src.Unshown, Unshown{FullName: at.prefix + m.Name, Private: true})
		case m.Name == "":
			inner, err := b.unnamed(m, at)
			if err != nil {
				return nil, err
			}
			out = append(out, inner...)
		default:
			f, err := b.member(m, at)
			if err != nil {
				return nil, err
			}
			if f != nil {
				out = append(out, f)
			}
		}
	}
	return out, nil
}

// unnamed returns the members of a struct or union without a name: in C they are
// members of the one around it.
func (b *builder) unnamed(m btf.Member, at frame) ([]*Field, error) {
	base, _ := Resolve(m.Type)
	inner, ok := composite(base)
	if !ok {
		return nil, nil
	}
	at.offset += m.Offset.Bytes()
	at.depth++
	return b.members(inner, at)
}

// member returns the field of m, or nil when m has a type without text.
func (b *builder) member(m btf.Member, at frame) (*Field, error) {
	if b.count++; b.count > MaxFields {
		return nil, fmt.Errorf("more than %d fields", MaxFields)
	}
	base, names := Resolve(m.Type)
	f := &Field{
		Name: m.Name, FullName: at.prefix + m.Name, Parent: at.parent,
		Offset: at.offset + m.Offset.Bytes(), Types: names, Base: base, Member: m,
	}
	size, err := btf.Sizeof(m.Type)
	if err != nil || size <= 0 {
		b.unshown(f, "it has no size", at.owner)
		return nil, nil // a member without size has nothing to show
	}
	f.Size = uint32(size)
	if uint64(f.Offset)+uint64(f.Size) > uint64(b.src.Size) {
		return nil, fmt.Errorf("field %q ends after the end of the struct", f.FullName)
	}
	b.annotate(f, at.owner)
	if members, ok := composite(base); ok {
		f.Kind = Struct
		f.Children, err = b.members(members, frame{
			parent: f, owner: base.TypeName(), prefix: f.FullName + ".", offset: f.Offset, depth: at.depth + 1,
		})
		return f, err
	}
	kind, why := kindOf(base, m.BitfieldSize > 0)
	if why != "" {
		b.unshown(f, why, at.owner)
		return nil, nil
	}
	if f.Kind = kind; kind == String && f.Annotations[AnnotationString] == StringList {
		f.Kind = List
	}
	return f, nil
}

func (b *builder) unshown(f *Field, why, owner string) {
	b.src.Unshown = append(b.src.Unshown, Unshown{FullName: f.FullName, Why: why, Expected: owner == TypeIPAddr})
}

// annotate gives f, in ascending precedence, the annotations of its type, of the
// template that gadget.yaml names, and of gadget.yaml itself.
func (b *builder) annotate(f *Field, owner string) {
	f.Annotations = map[string]string{}
	for _, name := range slices.Backward(f.Types) {
		if s := SpecialNamed(name); s != nil {
			maps.Copy(f.Annotations, s.annotations())
			b.src.Foreign = append(b.src.Foreign, prefixed(f.FullName, s.Foreign)...)
		}
	}
	if alias, ok := processAlias(owner, f.Name); ok {
		f.Annotations[AnnotationAlias] = alias
	}
	b.annotateByName(f)
}

func prefixed(prefix string, names []string) []string {
	out := make([]string, 0, len(names))
	for _, n := range names {
		out = append(out, prefix+"."+n)
	}
	return out
}

func (b *builder) annotateByName(f *Field) {
	own := b.opts.DataSource.Fields[f.FullName]
	if t := own[AnnotationTemplate]; t != "" {
		maps.Copy(f.Annotations, templates[t])
	}
	maps.Copy(f.Annotations, own)
}

// decides reports whether gadget.yaml itself decides about an annotation of f.
func (b *builder) decides(f *Field, annotation string) bool {
	_, ok := b.opts.DataSource.Fields[f.FullName][annotation]
	return ok
}
