package otlp

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/rules-gadget/rules_gadget/runner/flame"
)

// The numbers of fields in opentelemetry/proto/profiles/v1development/profiles.proto, of
// which no Go types are published without the rest of a collector.
const (
	dataResourceProfiles = 1
	dataDictionary       = 2

	resourceResource = 1
	resourceScopes   = 2

	scopeScope    = 1
	scopeProfiles = 2

	profileSampleType = 1
	profileSamples    = 2
	profileTime       = 3
	profileDuration   = 4
	profilePeriodType = 5
	profilePeriod     = 6

	valueTypeType = 1
	valueTypeUnit = 2

	sampleStack      = 1
	sampleAttributes = 2
	sampleValues     = 4

	dictionaryMappings   = 1
	dictionaryLocations  = 2
	dictionaryFunctions  = 3
	dictionaryLinks      = 4
	dictionaryStrings    = 5
	dictionaryAttributes = 6
	dictionaryStacks     = 7

	stackLocations  = 1
	locationLines   = 3
	lineFunction    = 1
	functionName    = 1
	attributeKey    = 1
	attributeValue  = 2
	scopeNameNumber = 1
)

// profileWriter makes one request: profiles, and the tables that they refer to. Entry 0
// of each table is empty.
type profileWriter struct {
	start, end time.Time
	scopes     []byte
	dictionary []byte
	// Places of what the tables have already.
	strings, functions, attributes, stacks map[string]uint64
}

func newProfileWriter(start, end time.Time) *profileWriter {
	w := &profileWriter{
		start: start, end: end, strings: map[string]uint64{}, functions: map[string]uint64{"": 0},
		attributes: map[string]uint64{"": 0}, stacks: map[string]uint64{"": 0},
	}
	w.text("")
	for _, table := range []protowire.Number{
		dictionaryMappings, dictionaryLocations, dictionaryFunctions, dictionaryLinks, dictionaryAttributes, dictionaryStacks,
	} {
		w.dictionary = message(w.dictionary, table, nil)
	}
	return w
}

// request returns the whole request, nil where no profile was added.
func (w *profileWriter) request(from *resourcepb.Resource) ([]byte, error) {
	if len(w.scopes) == 0 {
		return nil, nil
	}
	resource, err := proto.Marshal(from)
	if err != nil {
		return nil, fmt.Errorf("encoding for the collector: %w", err)
	}
	profiles := append(message(nil, resourceResource, resource), w.scopes...)
	return message(message(nil, dataResourceProfiles, profiles), dataDictionary, w.dictionary), nil
}

// profile adds what s added up, unless that is nothing.
func (w *profileWriter) profile(s *ProfileSource) error {
	var samples []byte
	for _, key := range slices.Sorted(maps.Keys(s.samples)) {
		set := s.samples[key]
		attributes, err := w.attributeIndices(set.attributes)
		if err != nil {
			return err
		}
		for _, stack := range set.stacks.Stacks() {
			samples = message(samples, profileSamples, w.sample(stack, attributes))
		}
	}
	if len(samples) == 0 {
		return nil
	}
	unit := w.text(s.reader.Unit.Unit)
	msg := message(nil, profileSampleType,
		number(number(nil, valueTypeType, w.text(s.reader.Unit.Type)), valueTypeUnit, unit))
	msg = append(msg, samples...)
	msg = protowire.AppendFixed64(protowire.AppendTag(msg, profileTime, protowire.Fixed64Type), uint64(w.start.UnixNano()))
	msg = number(msg, profileDuration, uint64(w.end.Sub(w.start)))
	// Backends name a profile by the type of its period.
	msg = message(msg, profilePeriodType, number(number(nil, valueTypeType, w.text(s.name)), valueTypeUnit, unit))
	msg = number(msg, profilePeriod, 1)
	scope := message(nil, scopeScope, message(nil, scopeNameNumber, []byte(validText(s.scope))))
	w.scopes = message(w.scopes, resourceScopes, message(scope, scopeProfiles, msg))
	return nil
}

// sample is one stack with its attributes and its weight.
func (w *profileWriter) sample(s flame.Stack, attributes []byte) []byte {
	msg := number(nil, sampleStack, w.stack(s.Frames))
	if len(attributes) > 0 {
		msg = message(msg, sampleAttributes, attributes)
	}
	return message(msg, sampleValues, protowire.AppendVarint(nil, s.Weight))
}

// stack returns the place of a stack, the outermost frame of which comes first here and
// last in the table.
func (w *profileWriter) stack(frames []string) uint64 {
	key := strings.Join(frames, "\x00")
	if at, ok := w.stacks[key]; ok {
		return at
	}
	var locations []byte
	for _, name := range slices.Backward(frames) {
		locations = protowire.AppendVarint(locations, w.function(name))
	}
	return w.entry(w.stacks, key, dictionaryStacks, message(nil, stackLocations, locations))
}

// function returns the place of a function, which is that of its only location too.
func (w *profileWriter) function(name string) uint64 {
	if at, ok := w.functions[name]; ok {
		return at
	}
	at := w.entry(w.functions, name, dictionaryFunctions, number(nil, functionName, w.text(name)))
	w.dictionary = message(w.dictionary, dictionaryLocations, message(nil, locationLines, number(nil, lineFunction, at)))
	return at
}

// attributeIndices returns the places of attributes, as a packed field.
func (w *profileWriter) attributeIndices(attributes []*commonpb.KeyValue) ([]byte, error) {
	var out []byte
	for _, a := range attributes {
		value, err := proto.Marshal(a.GetValue())
		if err != nil {
			return nil, fmt.Errorf("encoding for the collector: %w", err)
		}
		msg := message(number(nil, attributeKey, w.text(a.GetKey())), attributeValue, value)
		at, ok := w.attributes[string(msg)]
		if !ok {
			at = w.entry(w.attributes, string(msg), dictionaryAttributes, msg)
		}
		out = protowire.AppendVarint(out, at)
	}
	return out, nil
}

// text returns the place of s in the table of texts.
func (w *profileWriter) text(s string) uint64 {
	if at, ok := w.strings[s]; ok {
		return at
	}
	return w.entry(w.strings, s, dictionaryStrings, []byte(validText(s)))
}

// entry adds an entry to a table and returns its place.
func (w *profileWriter) entry(seen map[string]uint64, key string, table protowire.Number, msg []byte) uint64 {
	at := uint64(len(seen))
	seen[key] = at
	w.dictionary = message(w.dictionary, table, msg)
	return at
}

func message(dst []byte, field protowire.Number, msg []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, field, protowire.BytesType), msg)
}

func number(dst []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(dst, field, protowire.VarintType), v)
}
