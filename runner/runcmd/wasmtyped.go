package runcmd

import (
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/wasm"
)

// typeTag comes before the special type in a tag of a field.
const typeTag = "type:"

// specialType returns the special type that the wasm program gave a field that it
// added, "" for none. Numbers have one.
func specialType(f *wasm.Field) string {
	if !f.Added || f.Kind == wasm.Bool || f.Kind > wasm.Uint64 {
		return ""
	}
	for _, tag := range f.Tags {
		if name, ok := strings.CutPrefix(tag, typeTag); ok && gadgetapi.SpecialNamed(name) != nil {
			return name
		}
	}
	return ""
}

// typed returns the fields of a special type that the wasm program added to a data
// source, nil for none: as they would be in the event of an eBPF program, with their
// texts and with what is known of the container that they name.
func (w *wasmRun) typed(src *wasm.Source) (*field.Source, error) {
	event := &btf.Struct{Name: src.Name, Size: src.RecordSize()}
	for _, f := range src.Fields {
		if name := specialType(f); name != "" {
			encoding := btf.Unsigned
			if f.Kind <= wasm.Int64 {
				encoding = btf.Signed
			}
			number := &btf.Int{Name: "number", Size: f.Size, Encoding: encoding}
			event.Members = append(event.Members, btf.Member{
				Name: f.Name, Type: &btf.Typedef{Name: name, Type: number}, Offset: btf.Bits(f.Offset) * 8,
			})
		}
	}
	if len(event.Members) == 0 {
		return nil, nil
	}
	return field.Build(event, field.Options{
		Name: src.Name, Fields: w.metadata.DataSources[src.Name].Fields, Env: *w.env,
	})
}
