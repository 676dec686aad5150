package gadget

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// UpdateMetadata returns existing with what it lacks of the object: data
// sources, their fields, and parameters with key and default value. Comments,
// order and unknown keys of existing stay; when it lacks nothing, it comes back
// unchanged. An empty existing gives a new file for a gadget called name.
func UpdateMetadata(existing, object []byte, name string) ([]byte, error) {
	md, problems := ParseMetadata(existing, ConfigFile, false)
	if err := problems.Err(); err != nil {
		return nil, fmt.Errorf("reading metadata: %w", err)
	}
	spec, err := readSpec(object, md.API())
	if err != nil {
		return nil, err
	}
	if err := objectProblems(spec, false).Err(); err != nil {
		return nil, fmt.Errorf("reading object: %w", err)
	}
	sources, err := spec.Sources(md.API(), gadgetapi.DescribeOptions{})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(sources, func(a, b *gadgetapi.Source) int { return strings.Compare(a.Name, b.Name) })
	u := &updater{md: md, spec: spec, sources: sources}
	var doc yaml.Node
	if err := yaml.Unmarshal(existing, &doc); err != nil {
		return nil, fmt.Errorf("reading metadata: %w", err)
	}
	if doc.Kind == 0 || isNull(doc.Content[0]) {
		return u.fresh(existing, name)
	}
	u.update(doc.Content[0])
	if !u.changed {
		return existing, nil
	}
	return encodeYAML(&doc)
}

// fresh returns a new file below the comments that the old one consists of.
func (u *updater) fresh(existing []byte, name string) ([]byte, error) {
	root := u.newRoot(name)
	u.update(root)
	data, err := encodeYAML(root)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for line := range strings.Lines(string(existing)) {
		if strings.HasPrefix(line, "#") {
			out.WriteString(strings.TrimSuffix(line, "\n") + "\n")
		}
	}
	out.Write(data)
	return out.Bytes(), nil
}

func encodeYAML(doc *yaml.Node) ([]byte, error) {
	var buf bytes.Buffer
	enc := yaml.NewEncoder(&buf)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("writing metadata: %w", err)
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("writing metadata: %w", err)
	}
	return buf.Bytes(), nil
}

// updater adds nodes to a gadget.yaml.
type updater struct {
	md      *Metadata
	spec    *gadgetapi.Spec
	sources []*gadgetapi.Source
	changed bool
}

func (u *updater) newRoot(name string) *yaml.Node {
	root := &yaml.Node{Kind: yaml.MappingNode}
	u.set(root, "name", scalar(name))
	u.set(root, "description", scalar(""))
	return root
}

func (u *updater) update(root *yaml.Node) {
	for _, s := range u.sources {
		u.source(root, s)
	}
	for _, name := range u.spec.Marked() {
		u.param(root, name)
	}
}

// source adds the fields that gadget.yaml lacks of one data source.
func (u *updater) source(root *yaml.Node, s *gadgetapi.Source) {
	described := u.md.DataSources[s.Name]
	if described == nil {
		described = &DataSource{}
	}
	missing := []string{}
	for _, name := range visibleFields(s) {
		if described.Fields[name] == nil {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 && u.md.DataSources[s.Name] != nil {
		return
	}
	fields := u.child(u.child(u.child(root, "datasources"), s.Name), "fields")
	for _, name := range missing {
		u.set(u.child(u.child(fields, name), "annotations"), "description", scalar(""))
	}
}

// param adds a parameter that gadget.yaml lacks.
func (u *updater) param(root *yaml.Node, name string) {
	if u.spec.Variable(name) == nil || u.md.EBPFParams[name] != nil {
		return
	}
	initial := ""
	if par := u.spec.Param(name); par != nil {
		initial = par.Initial
	}
	p := u.child(u.child(u.child(root, "params"), "ebpf"), name)
	u.set(p, "key", scalar(strings.TrimPrefix(name, "targ_")))
	u.set(p, "defaultValue", scalar(initial))
	u.set(p, "description", scalar(""))
}

// visibleFields returns the fields of a data source that people see: without
// those inside special types, those that operators add, and raw ones that have
// a formatted sibling, which replaces them.
func visibleFields(s *gadgetapi.Source) []string {
	shownBy := map[*gadgetapi.Field]bool{}
	for _, f := range s.All() {
		if f.Of != nil && strings.HasSuffix(f.Of.Name, rawSuffix) {
			shownBy[f.Of] = true
		}
	}
	out := []string{}
	var walk func(fields []*gadgetapi.Field)
	walk = func(fields []*gadgetapi.Field) {
		for _, f := range fields {
			switch {
			case f.Of == nil && f.Provider != "", f.Of != nil && !shownBy[f.Of], shownBy[f]:
			case f.Kind != gadgetapi.Struct:
				out = append(out, f.FullName)
			case f.IsSpecial():
			default:
				walk(f.Children)
			}
		}
	}
	walk(s.Fields)
	return out
}

// rawSuffix ends the name of a field that a formatted sibling replaces.
const rawSuffix = "_raw"

// child returns the mapping under key, which it makes if none exists. Keys
// are found in whatever case they are written.
func (u *updater) child(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !strings.EqualFold(n.Content[i].Value, key) {
			continue
		}
		value := resolve(n.Content[i+1])
		if value.Kind != yaml.MappingNode {
			*value = yaml.Node{
				Kind: yaml.MappingNode, Anchor: value.Anchor, HeadComment: value.HeadComment, LineComment: value.LineComment,
				FootComment: value.FootComment,
			}
			u.changed = true
		}
		if len(value.Content) == 0 {
			value.Style = 0
		}
		return value
	}
	value := &yaml.Node{Kind: yaml.MappingNode}
	u.set(n, key, value)
	return value
}

// set appends a key and its value.
func (u *updater) set(n *yaml.Node, key string, value *yaml.Node) {
	n.Content = append(n.Content, scalar(key), value)
	u.changed = true
}

// scalar returns a string node, quoted where YAML would read something else.
func scalar(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	if s == "" {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}
