package otlp

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/filterexpr"
)

// The annotations of data sources and fields that specify what a record has.
const (
	annotationName     = "logs.name"
	annotationBody     = "logs.body"
	annotationSeverity = "logs.severity"
)

// What annotationName of a field means besides the name of an attribute.
const (
	partBody      = "body"
	partSeverity  = "severity"
	partTimestamp = "timestamp"
)

// maxSeverity is the greatest number that OpenTelemetry has for one.
const maxSeverity = 24

// Source turns the events of a data source into records.
type Source struct {
	events *Events
	scope  string
	setup  []func(r *logspb.LogRecord, sample []byte)
}

// Add returns what sends the events of src. gadget is the name of the gadget.
func (e *Events) Add(src *field.Source, gadget string) (*Source, error) {
	s := &Source{events: e, scope: cmp.Or(src.Annotations[annotationName], gadget, src.Name)}
	s.times(src)
	if err := s.annotated(src); err != nil {
		return nil, fmt.Errorf("data source %q: %w", src.Name, err)
	}
	named, all := false, []func(r *logspb.LogRecord, sample []byte){}
	for _, f := range src.All() {
		if f.Append == nil || len(f.Children) > 0 {
			continue
		}
		name := f.Annotations[annotationName]
		if name == "" {
			all = append(all, attribute(f, f.FullName))
			continue
		}
		set, err := s.part(f, name)
		if err != nil {
			return nil, fmt.Errorf("field %q of data source %q: %w", f.FullName, src.Name, err)
		}
		named = named || name != partSeverity && name != partTimestamp
		s.setup = append(s.setup, set)
	}
	if !named && src.Annotations[annotationBody] == "" {
		s.setup = append(s.setup, all...)
	}
	return s, nil
}

// times takes the time of records from the first timestamp of src.
func (s *Source) times(src *field.Source) {
	for _, f := range src.All() {
		if f.Number != nil && slices.Contains(f.Types, gadgetapi.TypeTimestamp) {
			s.setup = append(s.setup, func(r *logspb.LogRecord, sample []byte) { r.TimeUnixNano = f.Number(sample) })
			return
		}
	}
}

// annotated reads the annotations of src itself: one severity, and an expression for the
// body.
func (s *Source) annotated(src *field.Source) error {
	if text := src.Annotations[annotationSeverity]; text != "" {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 0 || n > maxSeverity {
			return fmt.Errorf("annotation %s: %q is not a number from 1 to %d", annotationSeverity, text, maxSeverity)
		}
		s.setup = append(s.setup, func(r *logspb.LogRecord, _ []byte) { r.SeverityNumber = logspb.SeverityNumber(n) })
	}
	text := src.Annotations[annotationBody]
	if text == "" {
		return nil
	}
	body, err := filterexpr.CompileText(src, text)
	if err != nil {
		return fmt.Errorf("annotation %s: %w", annotationBody, err)
	}
	s.setup = append(s.setup, func(r *logspb.LogRecord, sample []byte) {
		if value, err := body.Value(sample); err == nil {
			r.Body = textValue(value)
		}
	})
	return nil
}

// part returns what f gives a record under name.
func (s *Source) part(f *field.Field, name string) (func(r *logspb.LogRecord, sample []byte), error) {
	switch name {
	case partBody:
		return func(r *logspb.LogRecord, sample []byte) { r.Body = textValue(string(f.Append(nil, sample))) }, nil
	case partSeverity, partTimestamp:
		if f.Kind != field.Int && f.Kind != field.Uint {
			return nil, fmt.Errorf("annotation %s: the %s needs a number", annotationName, name)
		}
		if name == partTimestamp {
			return func(r *logspb.LogRecord, sample []byte) { r.TimeUnixNano = f.Number(sample) }, nil
		}
		return func(r *logspb.LogRecord, sample []byte) {
			r.SeverityNumber = logspb.SeverityNumber(min(f.Number(sample), maxSeverity))
		}, nil
	}
	return attribute(f, name), nil
}

// Send sends one event.
func (s *Source) Send(sample []byte) {
	now := uint64(time.Now().UnixNano())
	r := &logspb.LogRecord{TimeUnixNano: now, ObservedTimeUnixNano: now}
	for _, set := range s.setup {
		set(r, sample)
	}
	s.events.add(s.scope, r)
}

// attribute adds the value of f to the attributes.
func attribute(f *field.Field, name string) func(r *logspb.LogRecord, sample []byte) {
	value := valueOf(f)
	return func(r *logspb.LogRecord, sample []byte) {
		r.Attributes = append(r.Attributes, &commonpb.KeyValue{Key: name, Value: value(sample)})
	}
}

// valueOf returns the value of f, typed as far as the protocol has types; a number
// that it has no room for is a text.
func valueOf(f *field.Field) func(sample []byte) *commonpb.AnyValue {
	number := func(n int64) *commonpb.AnyValue {
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: n}}
	}
	plain := func(sample []byte) *commonpb.AnyValue { return textValue(string(f.Append(nil, sample))) }
	if f.Number == nil {
		return plain
	}
	switch f.Kind {
	case field.Int:
		return func(sample []byte) *commonpb.AnyValue { return number(int64(f.Number(sample))) }
	case field.Uint:
		return func(sample []byte) *commonpb.AnyValue {
			if n := f.Number(sample); n <= math.MaxInt64 {
				return number(int64(n))
			}
			return plain(sample)
		}
	case field.Bool:
		return func(sample []byte) *commonpb.AnyValue {
			return &commonpb.AnyValue{Value: &commonpb.AnyValue_BoolValue{BoolValue: f.Number(sample) != 0}}
		}
	case field.Float:
		return func(sample []byte) *commonpb.AnyValue {
			v := math.Float64frombits(f.Number(sample))
			return &commonpb.AnyValue{Value: &commonpb.AnyValue_DoubleValue{DoubleValue: v}}
		}
	}
	return plain
}
