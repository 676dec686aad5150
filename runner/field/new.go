package field

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// New prepares the decoders of a data source. Fields that an operator gives
// their values have none yet; see Provide and Finish.
func New(desc *gadgetapi.Source, env Env) *Source {
	src := &Source{
		Name: desc.Name, Size: desc.Size, EventSize: desc.Size,
		Array: desc.Kind != gadgetapi.Tracer, Annotations: desc.Annotations,
	}
	b := &builder{env: env, made: map[*gadgetapi.Field]*Field{}}
	src.Fields = b.fields(nil, desc.Fields)
	for _, f := range desc.All() {
		b.derive(f)
		b.strings(src, f)
	}
	b.stacks(desc, src)
	b.containers(src)
	b.environment(src)
	return src
}

type builder struct {
	env  Env
	made map[*gadgetapi.Field]*Field
}

func (b *builder) fields(parent *Field, descs []*gadgetapi.Field) []*Field {
	out := make([]*Field, 0, len(descs))
	for _, d := range descs {
		f := &Field{
			Name: d.Name, FullName: d.FullName, Kind: d.Kind, Parent: parent, Offset: d.Offset, Size: d.Size,
			Types: d.Types, Annotations: d.Annotations, Provider: d.Provider,
			Time: d.HasType(gadgetapi.TypeTimestamp) || d.Of != nil && d.Of.HasType(gadgetapi.TypeTimestamp),
		}
		b.made[d] = f
		f.Children = b.fields(f, d.Children)
		if d.Base != nil && d.Kind != Struct {
			decode(f, d.Base, d.Member)
		}
		out = append(out, f)
	}
	return out
}

// derive gives a field that shows another one as text its formatter, and an
// endpoint its column.
func (b *builder) derive(d *gadgetapi.Field) {
	f := b.made[d]
	switch {
	case d.Kind == Struct && (d.HasType(gadgetapi.TypeL3) || d.HasType(gadgetapi.TypeL4)):
		b.endpoint(f, d)
	case d.Of == nil || f.Append != nil || d.Provider != "":
	case d.Special != nil:
		b.special(f, d, d.Special.Name)
	default:
		if enum, ok := d.Of.Base.(*btf.Enum); ok {
			b.text(f, d, enumFormatter(b, b.made[d.Of], enum))
		}
	}
}

// special gives f the text of a special type.
func (b *builder) special(f *Field, d *gadgetapi.Field, name string) {
	of := b.made[d.Of]
	b.text(f, d, formatters[name](b, of))
	if name == gadgetapi.TypeTimestamp {
		b.wallClock(of)
	}
}

func (b *builder) text(f *Field, d *gadgetapi.Field, text formatter) {
	read := b.made[d.Of].Number
	f.Append = func(dst, sample []byte) []byte { return text(dst, read(sample)) }
}

// wallClock makes the number of a raw timestamp nanoseconds since the Unix
// epoch instead of since boot.
func (b *builder) wallClock(f *Field) {
	boot, raw := uint64(b.env.Boot.UnixNano()), f.Number
	f.Number = func(s []byte) uint64 { return raw(s) + boot }
	f.Append = numberText(f.Kind, f.Number)
}

// environment gives the fields of annotations env.fields.NAME the values that
// the variables have now.
func (b *builder) environment(src *Source) {
	for _, f := range src.Provided(gadgetapi.ProviderEnv) {
		value := os.Getenv(strings.TrimSpace(src.Annotations[gadgetapi.EnvFieldPrefix+f.Name]))
		f.Append = func(dst, _ []byte) []byte { return append(dst, value...) }
		f.Constant = true
	}
	for _, f := range src.Provided(gadgetapi.ProviderRest) {
		src.rest = src.Reserve(gadgetapi.RestSlotSize)
		provideRest(f, src.Rest)
	}
}

// provideRest gives f the bytes that rest finds: as text without the NULs at its
// end, and when they are said to be something else, in base64, and in hexadecimal
// digits in columns.
func provideRest(f *Field, rest func(sample []byte) []byte) {
	f.Raw = func(dst, sample []byte) []byte { return append(dst, rest(sample)...) }
	f.Append = func(dst, sample []byte) []byte { return append(dst, bytes.TrimRight(rest(sample), "\x00")...) }
	if kind := f.Annotations[gadgetapi.AnnotationContentType]; kind != "" && !strings.HasPrefix(kind, "text/") {
		f.Append = func(dst, sample []byte) []byte { return base64.StdEncoding.AppendEncode(dst, rest(sample)) }
		f.columns = func(dst, sample []byte) []byte { return hex.AppendEncode(dst, rest(sample)) }
	}
}
