package runcmd

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/nearest"
	"github.com/rules-gadget/rules_gadget/runner/field"
)

// annotate lays annotations over those of gadget.yaml: "source:key=value" or
// "source.field:key=value". Each is checked against what those before it made
// of the fields, since annotations add and rename some.
func (s *session) annotate(list []string) error {
	for _, text := range list {
		if strings.TrimSpace(text) == "" {
			continue
		}
		if err := s.annotateOne(strings.TrimSpace(text)); err != nil {
			return fmt.Errorf("--annotate %q: %w", text, err)
		}
	}
	return nil
}

func (s *session) annotateOne(text string) error {
	a, err := readAnnotation(text)
	if err != nil {
		return err
	}
	sources, err := s.sources()
	if err != nil {
		return err
	}
	name, err := a.subject(sources)
	if err != nil {
		return err
	}
	key, err := gadgetapi.CheckAnnotation(name != "", a.key, a.value)
	if err != nil {
		return err
	}
	s.setAnnotation(a.source, name, [2]string{key, a.value})
	return nil
}

// annotation is a value of --annotate.
type annotation struct {
	source, field string // the field is "" for the data source itself
	key, value    string
}

func readAnnotation(text string) (annotation, error) {
	subject, rest, ok := strings.Cut(text, ":")
	key, value, ok2 := strings.Cut(rest, "=")
	if !ok || !ok2 || subject == "" || key == "" {
		return annotation{}, errors.New("want source:key=value or source.field:key=value")
	}
	source, name, _ := strings.Cut(subject, ".")
	return annotation{source, name, key, value}, nil
}

// subject returns the whole name of the field that a annotates, "" for the data
// source itself, which must be one of sources.
func (a annotation) subject(sources []*field.Source) (string, error) {
	i := slices.IndexFunc(sources, func(src *field.Source) bool { return src.Name == a.source })
	if i < 0 {
		var names []string
		for _, src := range sources {
			names = append(names, src.Name)
		}
		return "", fmt.Errorf("the gadget has no data source %q, %s", a.source, nearest.Advice(a.source, names))
	}
	if a.field == "" {
		return "", nil
	}
	f := sources[i].Lookup(a.field)
	if f == nil {
		return "", sources[i].Unknown(a.field)
	}
	return f.FullName, nil
}

// setAnnotation changes a copy of the metadata, which others may hold.
func (s *session) setAnnotation(source, name string, kv [2]string) {
	all := maps.Clone(s.metadata.DataSources)
	if all == nil {
		all = map[string]gadgetapi.DataSource{}
	}
	ds := all[source]
	if name == "" {
		ds.Annotations = with(ds.Annotations, kv[0], kv[1])
	} else {
		ds.Fields = with(ds.Fields, name, with(ds.Fields[name], kv[0], kv[1]))
	}
	all[source] = ds
	s.metadata.DataSources = all
}

// with returns a copy of m in which key is value.
func with[V any](m map[string]V, key string, value V) map[string]V {
	out := maps.Clone(m)
	if out == nil {
		out = map[string]V{}
	}
	out[key] = value
	return out
}
