package output

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/printable"
	"github.com/rules-gadget/rules_gadget/runner/field"
)

// histogramSlots are the special types of counters of a histogram whose slots
// are powers of two, with the bytes of one counter.
var histogramSlots = map[string]uint32{"gadget_histogram_slot__u32": 4, "gadget_histogram_slot__u64": 8}

// HistogramSlots returns how to read the counters of a histogram: slot 0 counts
// the values 0 and 1, slot n those from 1<<n up to 1<<(n+1)-1. It returns nil for
// a field that is not a histogram.
func HistogramSlots(f *field.Field) func(dst []uint64, sample []byte) []uint64 {
	if f.Kind != field.Array {
		return nil
	}
	size := uint32(0)
	for _, t := range f.Types {
		if n := histogramSlots[t]; n > 0 {
			size = n
		}
	}
	if size == 0 || f.Size/size > 64 {
		return nil
	}
	at, end := f.Offset, f.Offset+f.Size
	return func(dst []uint64, sample []byte) []uint64 {
		for b := sample[at:end]; uint32(len(b)) >= size; b = b[size:] {
			if size == 4 {
				dst = append(dst, uint64(binary.NativeEndian.Uint32(b)))
			} else {
				dst = append(dst, binary.NativeEndian.Uint64(b))
			}
		}
		return dst
	}
}

// histogram is one field that is drawn.
type histogram struct {
	title string
	slots func(dst []uint64, sample []byte) []uint64
}

// histograms is the Encoder of sources with histograms in mode columns: for each
// entry its other columns, one a line, and a drawing for each histogram.
type histograms struct {
	keys   []column
	drawn  []histogram
	clear  bool
	text   []byte   // reused
	counts []uint64 // reused
}

// withHistograms returns c, or what draws histograms when c shows some.
func withHistograms(src *field.Source, sel selection, c *columns) Encoder {
	h := &histograms{clear: c.clear}
	for i, f := range sel.columns(src) {
		slots := HistogramSlots(f)
		if slots == nil {
			h.keys = append(h.keys, c.cols[i])
			continue
		}
		title := f.Annotations["metrics.unit"]
		if title == "" {
			title = f.Alias()
		}
		h.drawn = append(h.drawn, histogram{title, slots})
	}
	if len(h.drawn) == 0 {
		return c
	}
	return h
}

func (h *histograms) Header(dst []byte) []byte { return dst }

func (h *histograms) Array(dst []byte, samples [][]byte) []byte {
	if h.clear {
		dst = append(dst, emptyScreen...)
	}
	for _, s := range samples {
		dst = h.Event(dst, s)
	}
	return dst
}

// Event appends the columns of an entry, its histograms, and an empty line.
func (h *histograms) Event(dst, sample []byte) []byte {
	for i := range h.keys {
		k := &h.keys[i]
		h.text = k.append(h.text[:0], sample)
		dst = append(append(dst, k.title...), " = "...)
		dst, _ = printable.Append(dst, h.text)
		dst = append(dst, '\n')
	}
	for _, d := range h.drawn {
		h.counts = d.slots(h.counts[:0], sample)
		dst = drawHistogram(dst, d.title, h.counts)
	}
	return append(dst, '\n')
}

const barWidth = 40

// drawHistogram appends a line for each slot up to the last one that counted
// something.
func drawHistogram(dst []byte, title string, counts []uint64) []byte {
	for len(counts) > 0 && counts[len(counts)-1] == 0 {
		counts = counts[:len(counts)-1]
	}
	if len(counts) == 0 {
		return append(dst, "  no values\n"...)
	}
	most := slices.Max(counts)
	side := len(strconv.FormatUint(slotEnd(len(counts)-1), 10))
	text, long := printable.Append(nil, []byte(title))
	side = max(side, (long-len(" -> ")+1)/2)
	wide := max(len(strconv.FormatUint(most, 10)), len("count"))
	dst = appendPadded(dst, "", 4)
	dst = pad(append(dst, text...), 2*side+len(" -> ")-long)
	dst = append(append(appendPadded(append(dst, " : "...), "count", wide), " distribution"...), '\n')
	for i, n := range counts {
		begin := uint64(1) << i
		if i == 0 {
			begin = 0
		}
		dst = appendRight(appendPadded(dst, "", 4), begin, side)
		dst = append(dst, " -> "...)
		digits := strconv.FormatUint(slotEnd(i), 10)
		dst = append(appendPadded(dst, digits, side), " : "...)
		dst = appendPadded(dst, strconv.FormatUint(n, 10), wide)
		bar := strings.Repeat("*", int(float64(n)/float64(most)*barWidth))
		dst = append(append(appendPadded(append(dst, " |"...), bar, barWidth), '|'), '\n')
	}
	return dst
}

// slotEnd returns the largest value that slot i counts.
func slotEnd(i int) uint64 { return 1<<(i+1) - 1 }

// appendPadded appends text and spaces up to width.
func appendPadded(dst []byte, text string, width int) []byte {
	return pad(append(dst, text...), width-len(text))
}

// appendRight appends spaces and n up to width.
func appendRight(dst []byte, n uint64, width int) []byte {
	text := strconv.FormatUint(n, 10)
	return append(pad(dst, width-len(text)), text...)
}
