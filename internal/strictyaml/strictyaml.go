// Package strictyaml decodes YAML files that have one document and no unknown keys,
// within limits: gopkg.in/yaml.v3 compares each key of a mapping with all others,
// and takes a hundred bytes for an element of three.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"gopkg.in/yaml.v3"
)

// Limits bound a file.
type Limits struct {
	// Bytes is its size, Elements the length of a list in it, Keys that of a mapping.
	Bytes, Elements, Keys int
}

// ErrEmpty means that a file has no document.
var ErrEmpty = errors.New("it is empty")

// Decode decodes data into a struct. Unknown keys and further documents are errors.
func Decode(data []byte, limits Limits, into any) error {
	doc, err := Parse(data, limits)
	if err != nil {
		return err
	}
	if doc == nil {
		return ErrEmpty
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true) // which nodes do not have
	return d.Decode(into)
}

// Parse returns the only document of data, nil when none exists.
func Parse(data []byte, limits Limits) (*yaml.Node, error) {
	if len(data) > limits.Bytes {
		return nil, fmt.Errorf("it has more than %d bytes", limits.Bytes)
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := d.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("it has more than one document")
	}
	return &doc, limits.check(&doc)
}

func (l Limits) check(n *yaml.Node) error {
	switch n.Kind {
	case yaml.MappingNode:
		if keys := len(n.Content) / 2; keys > l.Keys {
			return fmt.Errorf("line %d: there are %d keys, at most %d are allowed", n.Line, keys, l.Keys)
		}
	case yaml.SequenceNode:
		if len(n.Content) > l.Elements {
			return fmt.Errorf("line %d: a list has %d elements, at most %d are allowed", n.Line, len(n.Content), l.Elements)
		}
	}
	for _, inner := range n.Content {
		if err := l.check(inner); err != nil {
			return err
		}
	}
	return nil
}
