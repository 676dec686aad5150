package field

import (
	"bytes"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// ListFunc returns the texts of a List field of sample, which are valid until the
// next call.
type ListFunc func(sample []byte) [][]byte

// listSeparator separates the texts of a list that is shown as one text.
const listSeparator = ' '

// strings reads a char array as the annotations ebpf.string and ebpf.string.size
// of d say. Without them it is the text up to the first NUL.
func (b *builder) strings(src *Source, d *gadgetapi.Field) {
	form, size := d.Annotations[gadgetapi.AnnotationString], d.Annotations[gadgetapi.AnnotationStringSize]
	if d.Base == nil || !gadgetapi.IsString(d.Base) || form == "" && size == "" {
		return
	}
	f := b.made[d]
	used := usedBytes(f, src.Lookup(size))
	switch form {
	case gadgetapi.StringList:
		f.List = listOf(used, size != "")
		f.Append = func(dst, sample []byte) []byte {
			for i, text := range f.List(sample) {
				if i > 0 {
					dst = append(dst, listSeparator)
				}
				dst = append(dst, text...)
			}
			return dst
		}
	case gadgetapi.StringAll:
		trim := size == ""
		f.Append = func(dst, sample []byte) []byte {
			all := used(sample)
			if trim {
				all = bytes.TrimRight(all, "\x00")
			}
			return append(dst, all...)
		}
	default:
		f.Append = func(dst, sample []byte) []byte { return append(dst, cstring(used(sample))...) }
	}
}

// usedBytes returns the bytes of f, no more than the size field specifies unless it
// is nil.
func usedBytes(f, size *Field) func(sample []byte) []byte {
	begin, end := f.Offset, f.Offset+f.Size
	if size == nil || size.Number == nil {
		return func(s []byte) []byte { return s[begin:end] }
	}
	return func(s []byte) []byte { return s[begin : begin+uint32(min(size.Number(s), uint64(end-begin)))] }
}

// listOf splits bytes at each NUL. Without a known size the NULs at the end are
// padding; with one, the last text may be empty.
func listOf(used func(sample []byte) []byte, sized bool) ListFunc {
	var list [][]byte
	return func(sample []byte) [][]byte {
		all := used(sample)
		if !sized {
			all = bytes.TrimRight(all, "\x00")
		}
		if list = list[:0]; len(all) == 0 {
			return list
		}
		if sized {
			all = bytes.TrimSuffix(all, []byte{0}) // the end of the last text
		}
		for text := range bytes.SplitSeq(all, []byte{0}) {
			list = append(list, text)
		}
		return list
	}
}
