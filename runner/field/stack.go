package field

import (
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/symbolizer"
)

// userStackTexts are the texts of a user stack, by the names of the fields that
// gadgetapi describes.
var userStackTexts = map[string]func(t *symbolizer.UserText) []byte{
	"addresses": func(t *symbolizer.UserText) []byte { return t.Addresses },
	"buildid":   func(t *symbolizer.UserText) []byte { return t.BuildIDs },
	"symbols":   func(t *symbolizer.UserText) []byte { return t.Symbols },
}

// stacks gives the fields of kernel and user stacks their texts.
func (b *builder) stacks(desc *gadgetapi.Source, src *Source) {
	stacks := b.env.Stacks
	for _, d := range desc.All() {
		if d.Provider != gadgetapi.ProviderKernelStack || d.Of == nil {
			continue
		}
		id := b.made[d.Of].Number
		b.made[d].Append = func(dst, s []byte) []byte { return stacks.AppendKernel(dst, uint32(id(s))) }
	}
	for _, f := range src.Provided(gadgetapi.ProviderUserStack) {
		find := userText(f.Parent, stacks)
		text := userStackTexts[f.Name]
		if find == nil || text == nil {
			continue
		}
		f.Append = func(dst, s []byte) []byte { return append(dst, text(find(s))...) }
	}
}

// userText returns what finds the texts of the stack in f, a struct
// gadget_user_stack; nil for an older layout, without what is needed.
func userText(f *Field, stacks *symbolizer.Stacks) func(sample []byte) *symbolizer.UserText {
	numbers := map[string]NumberFunc{}
	for _, c := range f.Children {
		numbers[c.Name] = c.Number
	}
	id, hash := numbers["stack_id"], numbers["base_addr_hash"]
	pid0, pid1, ns1 := numbers["tgid_level0"], numbers["pid_level1"], numbers["pidns_level1"]
	if id == nil || hash == nil || pid0 == nil || pid1 == nil || ns1 == nil {
		return nil
	}
	return func(s []byte) *symbolizer.UserText {
		return stacks.UserText(uint32(id(s)), uint32(hash(s)),
			symbolizer.PIDs{Level0: uint32(pid0(s)), Level1: uint32(pid1(s)), NS1: uint32(ns1(s))})
	}
}
