package runcmd

import (
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
	subject, rest, ok := strings.Cut(text, ":")
	key, value, ok2 := strings.Cut(rest, "=")
	if !ok || !ok2 || subject == "" || key == "" {
		return fmt.Errorf("want source:key=value or source.field:key=value")
	}
	sources, err := s.sources()
	if err != nil {
		return err
	}
	source, name, err := annotated(sources, subject)
	if err != nil {
		return err
	}
	if key, err = gadgetapi.CheckAnnotation(name != "", key, value); err != nil {
		return err
	}
	s.setAnnotation(source, name, [2]string{key, value})
	return nil
}

// annotated returns the data source that subject names, and the field unless it
// is the source itself.
func annotated(sources []*field.Source, subject string) (source, name string, err error) {
	source, name, _ = strings.Cut(subject, ".")
	i := slices.IndexFunc(sources, func(src *field.Source) bool { return src.Name == source })
	if i < 0 {
		var names []string
		for _, src := range sources {
			names = append(names, src.Name)
		}
		return "", "", fmt.Errorf("the gadget has no data source %q, %s", source, nearest.Advice(source, names))
	}
	if name == "" {
		return source, "", nil
	}
	f := sources[i].Lookup(name)
	if f == nil {
		return "", "", sources[i].Unknown(name)
	}
	return source, f.FullName, nil
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
