package field

import (
	"fmt"
	"maps"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// The limits of an event struct.
const (
	maxDepth  = 16      // nested structs
	maxFields = 4096    // in one source
	maxSize   = 1 << 20 // bytes of one event
)

// Options tell Build what the struct alone does not say.
type Options struct {
	Name        string                       // of the source
	Annotations map[string]string            // of the source
	Fields      map[string]map[string]string // annotations by full name
	Env         Env
}

// Build returns the data source that events of type typ make up.
func Build(typ *btf.Struct, opts Options) (*Source, error) {
	if typ.Size > maxSize {
		return nil, fmt.Errorf("event struct %q has %d bytes, more than %d", typ.Name, typ.Size, maxSize)
	}
	b := &builder{opts: opts, size: typ.Size}
	src := &Source{Name: opts.Name, Size: typ.Size, Annotations: opts.Annotations}
	fields, err := b.members(typ.Members, frame{owner: typ.Name})
	if err != nil {
		return nil, fmt.Errorf("reading event struct %q: %w", typ.Name, err)
	}
	src.Fields = fields
	for _, f := range src.All() {
		b.format(src, f)
	}
	b.containers(src)
	return src, nil
}

type builder struct {
	opts  Options
	size  uint32
	count int
}

// frame is where the walk through nested structs stands.
type frame struct {
	parent *Field
	owner  string // name of the struct or union
	prefix string
	offset uint32
	depth  int
}

func (b *builder) members(ms []btf.Member, at frame) ([]*Field, error) {
	if at.depth > maxDepth {
		return nil, fmt.Errorf("more than %d nested structs", maxDepth)
	}
	var out []*Field
	for _, m := range ms {
		if strings.HasPrefix(m.Name, "__") {
			continue
		}
		if m.Name == "" {
			inner, err := b.unnamed(m, at)
			if err != nil {
				return nil, err
			}
			out = append(out, inner...)
			continue
		}
		f, err := b.member(m, at)
		if err != nil {
			return nil, err
		}
		if f != nil {
			out = append(out, f)
		}
	}
	return out, nil
}

// unnamed returns the members of a struct or union without a name: in C they are
// members of the one around it.
func (b *builder) unnamed(m btf.Member, at frame) ([]*Field, error) {
	base, _ := resolve(m.Type)
	inner, ok := composite(base)
	if !ok {
		return nil, nil
	}
	at.offset += m.Offset.Bytes()
	at.depth++
	return b.members(inner, at)
}

// member returns the field of m, or nil when m has a type without text: a
// pointer, an array of structs.
func (b *builder) member(m btf.Member, at frame) (*Field, error) {
	if b.count++; b.count > maxFields {
		return nil, fmt.Errorf("more than %d fields", maxFields)
	}
	base, names := resolve(m.Type)
	size, err := btf.Sizeof(m.Type)
	if err != nil || size <= 0 {
		return nil, nil //nolint:nilerr // a member without size has nothing to show
	}
	f := &Field{
		Name:     m.Name,
		FullName: at.prefix + m.Name,
		Parent:   at.parent,
		Offset:   at.offset + m.Offset.Bytes(),
		Size:     uint32(size),
		Types:    names,
	}
	if uint64(f.Offset)+uint64(f.Size) > uint64(b.size) {
		return nil, fmt.Errorf("field %q ends behind the struct", f.FullName)
	}
	b.annotate(f, at.owner)
	if kids, ok := composite(base); ok {
		f.Kind = Struct
		f.Children, err = b.members(kids, frame{
			parent: f, owner: base.TypeName(), prefix: f.FullName + ".", offset: f.Offset, depth: at.depth + 1,
		})
		return f, err
	}
	if !decode(f, base, m) {
		return nil, nil
	}
	return f, nil
}

// annotate gives f, in rising precedence, the annotations of its type, of the
// template that gadget.yaml names, and of gadget.yaml itself.
func (b *builder) annotate(f *Field, owner string) {
	f.Annotations = map[string]string{}
	for i := len(f.Types) - 1; i >= 0; i-- {
		maps.Copy(f.Annotations, typeAnnotations(f.Types[i]))
	}
	if alias, ok := processAlias(owner, f.Name); ok {
		f.Annotations[AnnotationAlias] = alias
	}
	b.annotateByName(f)
}

func (b *builder) annotateByName(f *Field) {
	own := b.opts.Fields[f.FullName]
	if t := own[AnnotationTemplate]; t != "" {
		maps.Copy(f.Annotations, templates[t])
	}
	maps.Copy(f.Annotations, own)
}

func composite(t btf.Type) ([]btf.Member, bool) {
	switch t := t.(type) {
	case *btf.Struct:
		return t.Members, true
	case *btf.Union:
		return t.Members, true
	}
	return nil, false
}

// maxIndirections bounds typedef and qualifier chains, also circular ones.
const maxIndirections = 32

// resolve strips typedefs and qualifiers from t and returns every name on the
// way, outermost first; for an array also the names of its elements' types.
func resolve(t btf.Type) (btf.Type, []string) {
	var names []string
	for range maxIndirections {
		if n := t.TypeName(); n != "" {
			names = append(names, n)
		}
		switch v := t.(type) {
		case *btf.Typedef:
			t = v.Type
		case *btf.Const:
			t = v.Type
		case *btf.Volatile:
			t = v.Type
		case *btf.TypeTag:
			t = v.Type
		case *btf.Array:
			_, inner := resolve(v.Type)
			return t, append(names, inner...)
		default:
			return t, names
		}
	}
	return &btf.Void{}, names
}
