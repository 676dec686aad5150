package field

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Sorter returns what sorts entries of src by the fields that spec names, "a,-b"
// for ascending a and then descending b; nil for an empty spec. Equal entries keep
// their order.
func Sorter(src *Source, spec string) (func(samples [][]byte), error) {
	if strings.TrimSpace(spec) == "" {
		return nil, nil
	}
	var orders []func(a, b []byte) int
	for name := range strings.SplitSeq(spec, ",") {
		name, descending := strings.CutPrefix(strings.TrimSpace(name), "-")
		f, err := src.value(name)
		if err != nil {
			return nil, fmt.Errorf("sorting: %w", err)
		}
		order := f.order()
		if descending {
			ascending := order
			order = func(a, b []byte) int { return ascending(b, a) }
		}
		orders = append(orders, order)
	}
	return func(samples [][]byte) {
		slices.SortStableFunc(samples, func(a, b []byte) int {
			for _, order := range orders {
				if n := order(a, b); n != 0 {
					return n
				}
			}
			return 0
		})
	}, nil
}

// order returns how f compares in two samples: numbers by value, the rest as
// text.
func (f *Field) order() func(a, b []byte) int {
	read := f.Number
	switch f.Kind {
	case Int:
		return func(a, b []byte) int { return cmp.Compare(int64(read(a)), int64(read(b))) }
	case Uint, Bool:
		return func(a, b []byte) int { return cmp.Compare(read(a), read(b)) }
	case Float:
		return func(a, b []byte) int {
			return cmp.Compare(math.Float64frombits(read(a)), math.Float64frombits(read(b)))
		}
	}
	text := f.Column()
	var x, y []byte
	return func(a, b []byte) int {
		x, y = text(x[:0], a), text(y[:0], b)
		return bytes.Compare(x, y)
	}
}
