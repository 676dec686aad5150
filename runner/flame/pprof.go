package flame

import (
	"bytes"
	"compress/gzip"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Unit specifies what the weights of a profile count: ("samples", "count"),
// ("cpu", "nanoseconds").
type Unit struct{ Type, Unit string }

// The numbers of fields in the messages of pprof's profile.proto.
const (
	profileSampleType = 1
	profileSample     = 2
	profileLocation   = 4
	profileFunction   = 5
	profileString     = 6
	profileTime       = 9
	profileDuration   = 10

	valueType = 1
	valueUnit = 2

	sampleLocation = 1
	sampleValue    = 2

	locationID   = 1
	locationLine = 4
	lineFunction = 1

	functionID   = 1
	functionName = 2
)

// Pprof appends the profile in the format of pprof, of a run from start to end.
func (p *Profile) Pprof(dst []byte, unit Unit, start, end time.Time) []byte {
	w := pprofWriter{strings: map[string]uint64{}, functions: map[string]uint64{}}
	w.text("") // number 0 is the empty string
	w.message(profileSampleType, number(number(nil, valueType, w.text(unit.Type)), valueUnit, w.text(unit.Unit)))
	for _, s := range p.Stacks() {
		w.sample(s)
	}
	for _, s := range w.table {
		w.out = protowire.AppendString(protowire.AppendTag(w.out, profileString, protowire.BytesType), s)
	}
	w.out = number(w.out, profileTime, uint64(start.UnixNano()))
	w.out = number(w.out, profileDuration, uint64(end.Sub(start)))
	out := bytes.NewBuffer(dst)
	z := gzip.NewWriter(out)
	_, _ = z.Write(w.out) // a buffer takes everything
	_ = z.Close()
	return out.Bytes()
}

// pprofWriter makes one message Profile.
type pprofWriter struct {
	out       []byte
	strings   map[string]uint64
	table     []string
	functions map[string]uint64
}

// sample writes one stack; pprof has the innermost frame first.
func (w *pprofWriter) sample(s Stack) {
	var ids []byte
	for i := len(s.Frames) - 1; i >= 0; i-- {
		ids = protowire.AppendVarint(ids, w.function(s.Frames[i]))
	}
	msg := protowire.AppendBytes(protowire.AppendTag(nil, sampleLocation, protowire.BytesType), ids)
	value := protowire.AppendVarint(nil, s.Weight)
	msg = protowire.AppendBytes(protowire.AppendTag(msg, sampleValue, protowire.BytesType), value)
	w.message(profileSample, msg)
}

// function returns the number of the function called name, which is that of its
// only location too.
func (w *pprofWriter) function(name string) uint64 {
	if id, ok := w.functions[name]; ok {
		return id
	}
	id := uint64(len(w.functions) + 1)
	w.functions[name] = id
	w.message(profileFunction, number(number(nil, functionID, id), functionName, w.text(name)))
	line := number(nil, lineFunction, id)
	location := number(nil, locationID, id)
	w.message(profileLocation, protowire.AppendBytes(protowire.AppendTag(location, locationLine, protowire.BytesType),
		line))
	return id
}

// text returns the number of s in the table of strings.
func (w *pprofWriter) text(s string) uint64 {
	if id, ok := w.strings[s]; ok {
		return id
	}
	id := uint64(len(w.table))
	w.strings[s] = id
	w.table = append(w.table, s)
	return id
}

func (w *pprofWriter) message(field protowire.Number, msg []byte) {
	w.out = protowire.AppendBytes(protowire.AppendTag(w.out, field, protowire.BytesType), msg)
}

func number(dst []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(dst, field, protowire.VarintType), v)
}
