package flame

import (
	"bytes"
	"compress/gzip"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// message is a message of protobuf: its numbers and its bytes, by field.
type message struct {
	numbers map[protowire.Number][]uint64
	bytes   map[protowire.Number][][]byte
}

func decode(t *testing.T, data []byte) message {
	t.Helper()
	m := message{map[protowire.Number][]uint64{}, map[protowire.Number][][]byte{}}
	for len(data) > 0 {
		num, typ, n := protowire.ConsumeTag(data)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		data = data[n:]
		switch typ {
		case protowire.VarintType:
			v, n := protowire.ConsumeVarint(data)
			m.numbers[num], data = append(m.numbers[num], v), data[max(n, 0):]
		case protowire.BytesType:
			b, n := protowire.ConsumeBytes(data)
			m.bytes[num], data = append(m.bytes[num], b), data[max(n, 0):]
		default:
			t.Fatalf("field %d has type %d", num, typ)
		}
	}
	return m
}

func packed(data []byte) (all []uint64) {
	for len(data) > 0 {
		v, n := protowire.ConsumeVarint(data)
		all, data = append(all, v), data[max(n, 1):]
	}
	return all
}

// TestPprofSamples reads each stack back: the innermost function first, by way of
// locations, functions and strings.
func TestPprofSamples(t *testing.T) {
	start := time.Unix(1_700_000_000, 5)
	out := profile().Pprof([]byte("before"), Unit{"cpu", "nanoseconds"}, start, start.Add(3*time.Second))
	z, err := gzip.NewReader(bytes.NewReader(bytes.TrimPrefix(out, []byte("before"))))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	p := decode(t, data)
	text := func(n uint64) string { return string(p.bytes[profileString][n]) }
	unit := decode(t, p.bytes[profileSampleType][0])
	if got := text(unit.numbers[valueType][0]) + " " + text(unit.numbers[valueUnit][0]); got != "cpu nanoseconds" {
		t.Errorf("the unit is %q", got)
	}
	if p.numbers[profileTime][0] != uint64(start.UnixNano()) || p.numbers[profileDuration][0] != 3e9 {
		t.Errorf("the time is %v for %v", p.numbers[profileTime], p.numbers[profileDuration])
	}
	functions := map[uint64]string{}
	for _, f := range p.bytes[profileFunction] {
		m := decode(t, f)
		functions[m.numbers[functionID][0]] = text(m.numbers[functionName][0])
	}
	locations := map[uint64]string{}
	for _, l := range p.bytes[profileLocation] {
		m := decode(t, l)
		locations[m.numbers[locationID][0]] = functions[decode(t, m.bytes[locationLine][0]).numbers[lineFunction][0]]
	}
	var got []string
	for _, s := range p.bytes[profileSample] {
		m := decode(t, s)
		var stack []string
		for _, id := range packed(m.bytes[sampleLocation][0]) {
			stack = append(stack, locations[id])
		}
		got = append(got, strings.Join(stack, "<")+" "+time.Duration(packed(m.bytes[sampleValue][0])[0]).String())
	}
	slices.Sort(got)
	if want := []string{"<write><main 5ns", "read;it<main 3ns"}; !slices.Equal(got, want) {
		t.Errorf("the samples are %q, want %q", got, want)
	}
}
