package runcmd

import (
	"maps"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/wasm"
)

// typeTag comes before the special type in a tag of a field.
const typeTag = "type:"

// specialType returns the special type that the wasm program gave a field, "" for none.
func specialType(f *wasm.Field) string {
	for _, tag := range f.Tags {
		if name, ok := strings.CutPrefix(tag, typeTag); ok && gadgetapi.SpecialNamed(name) != nil {
			return name
		}
	}
	return ""
}

// typedNumber reports whether the wasm program added f as a number of a special type,
// which is then made by typed.
func typedNumber(f *wasm.Field) bool {
	return f.Added && f.Kind != wasm.Bool && f.Kind <= wasm.Uint64 && specialType(f) != ""
}

// typed gives the fields of src the special types of their tags, as if the event of an
// eBPF program had them. It returns what becomes of numbers: their texts, what is known
// of the container that they name, and the numbers themselves; nil for nothing.
func (w *wasmRun) typed(ws *wasm.Source, src *field.Source) (*field.Source, error) {
	event := &btf.Struct{Name: ws.Name, Size: ws.RecordSize()}
	var shown []*field.Field
	for _, f := range ws.Fields {
		name := specialType(f)
		if name == "" {
			continue
		}
		if typedNumber(f) {
			event.Members = append(event.Members, typedMember(f, name, f.Kind <= wasm.Int64))
			continue
		}
		of := src.Named(f.Name)
		if of == nil || slices.Contains(of.Types, name) {
			continue
		}
		retype(of, name)
		if (of.Kind == field.Int || of.Kind == field.Uint) && of.Number != nil {
			event.Members = append(event.Members, typedMember(f, name, of.Kind == field.Int))
			shown = append(shown, of)
		}
	}
	if len(event.Members) == 0 {
		return nil, nil
	}
	fields := w.metadata.DataSources[ws.Name].Fields
	typed, err := field.Build(event, field.Options{Name: ws.Name, Fields: fields, Env: *w.env})
	if err != nil {
		return nil, err
	}
	for _, f := range shown { // the number of a text, unless gadget.yaml decides
		if _, decided := fields[f.FullName][field.AnnotationHidden]; !decided && typed.Named(f.FullName).Hidden() {
			f.Annotations[field.AnnotationHidden] = "true"
		}
	}
	return typed, nil
}

// typedMember is a number of an event, of the special type called name.
func typedMember(f *wasm.Field, name string, signed bool) btf.Member {
	encoding := btf.Unsigned
	if signed {
		encoding = btf.Signed
	}
	number := &btf.Int{Name: "number", Size: f.Size, Encoding: encoding}
	return btf.Member{Name: f.Name, Type: &btf.Typedef{Name: name, Type: number}, Offset: btf.Bits(f.Offset) * 8}
}

// retype adds a special type to f, with the annotations that come with it where f has
// none of that name.
func retype(f *field.Field, name string) {
	f.Types = append(slices.Clip(f.Types), name)
	annotations := map[string]string{}
	maps.Copy(annotations, gadgetapi.Template(gadgetapi.SpecialNamed(name).Template))
	maps.Copy(annotations, f.Annotations)
	f.Annotations = annotations
}
