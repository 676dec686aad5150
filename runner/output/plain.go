package output

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/rules-gadget/rules_gadget/runner/field"
)

// annotationRawFields names the fields that mode raw writes.
const annotationRawFields = "cli.raw.fields"

// plain writes the texts of fields as they are, with tabs between them and a
// newline after each event that does not end with one.
type plain struct {
	texts []field.AppendFunc
}

func newPlain(src *field.Source, sel selection, mode Mode) (*plain, error) {
	fields := sel.exact
	if list := src.Annotations[annotationRawFields]; len(fields) == 0 && list != "" {
		for name := range strings.SplitSeq(list, ",") {
			f := src.Lookup(strings.TrimSpace(name))
			if f == nil {
				return nil, fmt.Errorf("annotation %s: %w", annotationRawFields, src.Unknown(strings.TrimSpace(name)))
			}
			fields = append(fields, f)
		}
	}
	if len(fields) == 0 && mode == Advise {
		f := adviceField(src)
		if f == nil {
			return nil, fmt.Errorf("data source %q has no single text, which mode %q writes, name the field with --fields",
				src.Name, mode)
		}
		fields = []*field.Field{f}
	}
	if len(fields) == 0 {
		fields = sel.columns(src)
	}
	p := &plain{}
	for _, f := range fields {
		if f.Column() == nil {
			return nil, fmt.Errorf("field %q of data source %q is a struct, name one of its fields: %s",
				f.FullName, src.Name, childNames(f))
		}
		text := f.Column()
		if mode == Raw && f.Raw != nil {
			text = f.Raw
		}
		p.texts = append(p.texts, text)
	}
	return p, nil
}

// adviceField returns the field "text", or the only field with text.
func adviceField(src *field.Source) *field.Field {
	if f := src.Lookup("text"); f != nil && f.Kind == field.String {
		return f
	}
	var only *field.Field
	for _, f := range src.All() {
		if f.Kind != field.String || f.Hidden() {
			continue
		}
		if only != nil {
			return nil
		}
		only = f
	}
	return only
}

func (p *plain) Header(dst []byte) []byte { return dst }

func (p *plain) Event(dst, sample []byte) []byte {
	start := len(dst)
	for i, text := range p.texts {
		if i > 0 {
			dst = append(dst, '\t')
		}
		dst = text(dst, sample)
	}
	if !bytes.HasSuffix(dst[start:], []byte("\n")) {
		dst = append(dst, '\n')
	}
	return dst
}

func (p *plain) Array(dst []byte, samples [][]byte) []byte {
	for _, s := range samples {
		dst = p.Event(dst, s)
	}
	return dst
}
