package gadget

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// The instance specifications that ParseInstanceSpecs reads.
const (
	instanceSpecVersion = "1"
	instanceSpecKind    = "instance-spec"

	// MaxInstanceSpecs is how many bytes a file of them has at most.
	MaxInstanceSpecs = 1 << 20
)

var (
	instanceID   = regexp.MustCompile(`^[a-f0-9]{32}$`)
	instanceName = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)
)

// InstanceSpec is one document of an instance manifest: a gadget with the values
// of its parameters.
type InstanceSpec struct {
	Line        int // 1-based, of the document
	Image       string
	ID, Name    string
	Tags, Nodes []string
	ParamValues []ParamValue // in the order of the file
}

// ParamValue is one value of an InstanceSpec.
type ParamValue struct {
	Line       int
	Key, Value string
}

// ParseInstanceSpecs reads the documents of an instance manifest; empty ones are
// left out. Unknown keys are problems that name the nearest key. name is the
// file's in problems.
func ParseInstanceSpecs(data []byte, name string) ([]InstanceSpec, Problems) {
	r := &yamlReader{file: name}
	if len(data) > MaxInstanceSpecs {
		r.fail(nil, "the file has %d bytes, at most %d are read", len(data), MaxInstanceSpecs)
		return nil, r.problems
	}
	var out []InstanceSpec
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.syntax(err)
			break
		}
		if len(doc.Content) == 1 && !isNull(resolve(doc.Content[0])) {
			out = append(out, r.instanceSpec(doc.Content[0]))
		}
	}
	if len(out) == 0 && len(r.problems) == 0 {
		r.fail(nil, "the file has no document, write one with the kind %s", instanceSpecKind)
	}
	return out, r.problems.sorted()
}

func (r *yamlReader) instanceSpec(n *yaml.Node) InstanceSpec {
	spec := InstanceSpec{Line: n.Line}
	var version, kind string
	r.fields(n, "the instance specification", map[string]func(*yaml.Node){
		"apiVersion": func(v *yaml.Node) { version = r.text(v, "apiVersion") },
		"kind":       func(v *yaml.Node) { kind = r.text(v, "kind") },
		"image":      func(v *yaml.Node) { spec.Image = r.text(v, "image") },
		"id":         func(v *yaml.Node) { spec.ID = r.text(v, "id") },
		"name":       func(v *yaml.Node) { spec.Name = r.text(v, "name") },
		"tags":       func(v *yaml.Node) { spec.Tags = r.list(v, "tags") },
		"nodes":      func(v *yaml.Node) { spec.Nodes = r.list(v, "nodes") },
		"paramValues": func(v *yaml.Node) {
			r.pairs(v, "paramValues", func(key, value *yaml.Node) {
				text := r.text(value, fmt.Sprintf("the parameter %q", key.Value))
				spec.ParamValues = append(spec.ParamValues, ParamValue{key.Line, key.Value, text})
			})
		},
	})
	if n.Kind == yaml.MappingNode {
		r.checkInstanceSpec(n, spec, version, kind)
	}
	return spec
}

func (r *yamlReader) checkInstanceSpec(n *yaml.Node, spec InstanceSpec, version, kind string) {
	if version != instanceSpecVersion {
		r.fail(n, "the instance specification has the apiVersion %q, want %s", version, instanceSpecVersion)
	}
	if kind != instanceSpecKind {
		r.fail(n, "the document has the kind %q, want %q", kind, instanceSpecKind)
	}
	if spec.Image == "" {
		r.fail(n, "the instance specification has no image, name the gadget with \"image: REFERENCE\"")
	}
	if spec.ID != "" && !instanceID.MatchString(spec.ID) {
		r.fail(n, "the id %q is none, want 32 hexadecimal digits", spec.ID)
	}
	if spec.Name != "" && !instanceName.MatchString(spec.Name) {
		r.fail(n, "the name %q is none, want at most 32 of a-z, 0-9, \"_\" and \"-\"", spec.Name)
	}
	for _, t := range spec.Tags {
		if strings.Contains(t, ",") {
			r.fail(n, "the tag %q has a comma, write several tags as a list", t)
		}
	}
}
