package field

import "github.com/rules-gadget/rules_gadget/runner/symbolizer"

func kernelStackFormatter(b *builder, _ *Field) formatter {
	stacks := b.opts.Env.Stacks
	return func(dst []byte, v uint64) []byte { return stacks.AppendKernel(dst, uint32(v)) }
}

// userStackTexts are the fields that a user stack gets, by the names that users of
// other runners know.
var userStackTexts = []struct {
	name, description string
	text              func(t *symbolizer.UserText) []byte
}{
	{"addresses", "Addresses of the functions", func(t *symbolizer.UserText) []byte { return t.Addresses }},
	{"buildid", "Build ids of the files, and offsets in them", func(t *symbolizer.UserText) []byte { return t.BuildIDs }},
	{"symbols", "Names of the functions", func(t *symbolizer.UserText) []byte { return t.Symbols }},
}

// userStack adds to f, a struct gadget_user_stack, the texts of the stack.
func (b *builder) userStack(f *Field) {
	hideAll(f)
	var id, hash, pid0, pid1, ns1 NumberFunc
	for name, dst := range map[string]*NumberFunc{
		"stack_id": &id, "base_addr_hash": &hash, "tgid_level0": &pid0, "pid_level1": &pid1, "pidns_level1": &ns1,
	} {
		for _, c := range f.Children {
			if c.Name == name {
				*dst = c.Number
			}
		}
		if *dst == nil {
			return // an older layout, without what is needed
		}
	}
	stacks := b.opts.Env.Stacks
	find := func(s []byte) *symbolizer.UserText {
		return stacks.UserText(uint32(id(s)), uint32(hash(s)),
			symbolizer.PIDs{Level0: uint32(pid0(s)), Level1: uint32(pid1(s)), NS1: uint32(ns1(s))})
	}
	for _, t := range userStackTexts {
		c := &Field{
			Name: t.name, FullName: f.FullName + "." + t.name, Kind: String, Parent: f, Offset: f.Offset, Size: f.Size,
			Annotations: ann(AnnotationHidden, "true", AnnotationDescription, t.description),
			Append:      func(dst, s []byte) []byte { return append(dst, t.text(find(s))...) },
		}
		b.annotateByName(c)
		f.Children = append(f.Children, c)
	}
}
