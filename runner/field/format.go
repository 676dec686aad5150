package field

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/runner/symbolizer"
)

// Env is what formatting needs to know of the machine that events come from.
// The zero Env is usable: boot at the Unix epoch, no names of users.
type Env struct {
	Boot     time.Time      // wall-clock time of boot
	Location *time.Location // of formatted timestamps, UTC when nil
	Arch     arch.Arch      // for flags whose bits differ
	Users    func(uid uint32) string
	Groups   func(gid uint32) string
	// Enum returns the kernel's own version of a named enum, which may have
	// more values than the object knew, or nil.
	Enum func(name string) *btf.Enum
	// Containers adds fields that tell about the container; nil adds none.
	Containers *Containers
	// Stacks has the texts of stacks; nil for none.
	Stacks *symbolizer.Stacks
}

// formatter makes the text of a special type out of its number. It is called
// from one goroutine.
type formatter func(dst []byte, v uint64) []byte

// special says how a special type is formatted: which annotation names the
// sibling that holds the text, which template the sibling starts from, and the
// sibling's name when neither the annotation nor a "_raw" suffix gives one.
// A sibling with a fallback is hidden unless it is shown.
type special struct {
	target   string
	template string
	fallback string
	shown    bool
	build    func(b *builder, f *Field) formatter
}

var specials = map[string]special{
	typeTimestamp: {target: "formatters.timestamp.target", template: "timestamp", build: timestampFormatter},
	typeSignal:    {target: "formatters.signal.target", build: plain(appendSignal)},
	typeErrno:     {target: "formatters.errno.target", template: "errorString", build: plain(appendErrno)},
	typeSyscall:   {target: "formatters.syscall.target", template: "syscall", build: syscallFormatter},
	typeBytes:     {target: "formatters.bytes.target", template: "bytes", build: plain(appendBytes)},
	typeDuration:  {target: "formatters.duration.target", template: "duration", build: plain(appendDuration)},
	typeFileMode:  {target: "formatters.file_mode.target", template: "file_mode", build: plain(appendFileMode)},
	typeFileFlags: {target: "formatters.file_flags.target", build: flagsFormatter},
	typeUID:       {target: "uidgidresolver.target", fallback: "user", build: userFormatter},
	typeGID:       {target: "uidgidresolver.target", fallback: "group", build: groupFormatter},

	typeKernelStack: {target: "ebpf.formatter.kstack", fallback: "kstack", shown: true, build: kernelStackFormatter},
}

func plain(fn formatter) func(*builder, *Field) formatter {
	return func(*builder, *Field) formatter { return fn }
}

// format adds to src what the type of f asks for: a formatted sibling, the
// texts of an endpoint, the name of an enum value.
func (b *builder) format(src *Source, f *Field) {
	switch {
	case f.hasType(typeUserStack):
		b.userStack(f)
		return
	case f.hasType(typeL3), f.hasType(typeL4):
		b.endpoint(f)
		return
	}
	if f.Number == nil {
		return
	}
	for _, t := range f.Types {
		if s, ok := specials[t]; ok {
			b.sibling(src, f, s)
			return
		}
	}
	if f.enum != nil {
		b.sibling(src, f, special{target: "ebpf.formatter.enum", build: enumFormatter})
	}
}

func (b *builder) sibling(src *Source, f *Field, s special) {
	name := f.Annotations[s.target]
	if name == "" {
		name, _ = strings.CutSuffix(f.Name, "_raw")
	}
	if name == f.Name {
		name = s.fallback
	}
	siblings := &src.Fields
	if f.Parent != nil {
		siblings = &f.Parent.Children
	}
	if name == "" || slices.ContainsFunc(*siblings, func(o *Field) bool { return o.Name == name }) {
		return
	}
	out := b.derived(f, name, s)
	at := slices.Index(*siblings, f) + 1
	*siblings = slices.Insert(*siblings, at, out)
	if _, said := b.opts.Fields[f.FullName][AnnotationHidden]; !said {
		f.Annotations[AnnotationHidden] = "true"
	}
	if f.hasType(typeTimestamp) {
		b.wallClock(f)
	}
}

// derived returns the field that shows f's number as text.
func (b *builder) derived(f *Field, name string, s special) *Field {
	text, read := s.build(b, f), f.Number
	out := &Field{
		Name: name, FullName: strings.TrimSuffix(f.FullName, f.Name) + name, Kind: String, Parent: f.Parent,
		Offset: f.Offset, Size: f.Size, Annotations: map[string]string{},
		Append: func(dst, sample []byte) []byte { return text(dst, read(sample)) },
	}
	maps.Copy(out.Annotations, templates[s.template])
	if s.fallback != "" && !s.shown {
		out.Annotations[AnnotationHidden] = "true"
		if _, ok := f.Annotations[AnnotationAlias]; ok {
			out.Annotations[AnnotationAlias] = name
		}
	}
	b.annotateByName(out)
	return out
}

// wallClock makes the number of a raw timestamp nanoseconds since the Unix
// epoch instead of since boot.
func (b *builder) wallClock(f *Field) {
	boot, raw := uint64(b.opts.Env.Boot.UnixNano()), f.Number
	f.Number = func(s []byte) uint64 { return raw(s) + boot }
	f.Append = numberText(f.Kind, f.Number)
}

func hideAll(f *Field) {
	for _, c := range f.Children {
		c.Annotations[AnnotationHidden] = "true"
		hideAll(c)
	}
}
