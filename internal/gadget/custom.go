package gadget

import (
	"errors"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// CustomQualifier precedes the name of a parameter of params.custom.
const CustomQualifier = "custom."

// maxPatched bounds the values that all patches write, those of aliases
// counted each time.
const maxPatched = maxValues

// Customize returns gadget.yaml with the patches of its custom parameters: for each
// parameter that of its value, else the one that holds for every value. Texts of a
// patch are templates (text/template) with two functions, getParamValue and
// getConfig. value gives the value of a parameter by its qualified name, false for
// one that was not given; the default of a custom parameter counts then.
func (md *Metadata) Customize(data []byte, value func(name string) (string, bool)) ([]byte, error) {
	if len(md.CustomParams) == 0 {
		return data, nil
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("reading metadata: %w", err)
	}
	if doc.Kind == 0 {
		return data, nil
	}
	c := &customizer{root: resolve(doc.Content[0]), left: maxPatched}
	c.value = func(name string) string {
		v, given := value(name)
		custom, ok := md.CustomParams[strings.TrimPrefix(name, CustomQualifier)]
		if !given && ok {
			return custom.DefaultValue
		}
		return v
	}
	for _, name := range keys(md.CustomParams) {
		if err := c.apply(name, md.CustomParams[name]); err != nil {
			return nil, fmt.Errorf("param %q: %w", name, err)
		}
	}
	return encodeYAML(&doc)
}

// customizer patches a document.
type customizer struct {
	root  *yaml.Node
	value func(name string) string
	left  int
}

// apply patches the document for one parameter.
func (c *customizer) apply(name string, p *CustomParam) error {
	value := c.value(CustomQualifier + name)
	patch, listed := p.Values[value]
	switch {
	case !listed && p.Patch == nil && value != "":
		return fmt.Errorf("%q is not one of %s", value, strings.Join(keys(p.Values), ", "))
	case !listed || patch == nil:
		patch = p.Patch
	}
	if patch == nil {
		return nil
	}
	return c.merge(c.root, resolve(patch), true)
}

// merge writes the values of patch over those of a mapping. At the top a patch
// cannot change parameters, which patches are made of.
func (c *customizer) merge(to, patch *yaml.Node, top bool) error {
	if patch.Kind != yaml.MappingNode {
		return errors.New("a patch is not a mapping")
	}
	for i := 0; i+1 < len(patch.Content); i += 2 {
		key, value := patch.Content[i].Value, resolve(patch.Content[i+1])
		if top && strings.EqualFold(key, "params") {
			return errors.New("a patch cannot change params")
		}
		if c.left--; c.left < 0 {
			return fmt.Errorf("the patches have more than %d values", maxPatched)
		}
		at, err := c.own(to, key)
		if err != nil {
			return err
		}
		if value.Kind != yaml.MappingNode {
			leaf, err := c.leaf(value)
			if err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			put(to, key, leaf)
			continue
		}
		if at == nil || at.Kind != yaml.MappingNode {
			at = &yaml.Node{Kind: yaml.MappingNode}
			put(to, key, at)
		}
		if err := c.merge(at, value, false); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// own returns the value of a key in a mapping, nil for none, after making a copy of
// what an alias refers to, which is not to change elsewhere.
func (c *customizer) own(n *yaml.Node, key string) (*yaml.Node, error) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !strings.EqualFold(n.Content[i].Value, key) {
			continue
		}
		if n.Content[i+1].Kind == yaml.AliasNode {
			own, err := c.copied(resolve(n.Content[i+1]))
			if err != nil {
				return nil, err
			}
			n.Content[i+1] = own
		}
		return n.Content[i+1], nil
	}
	return nil, nil
}

// copied returns a copy without aliases.
func (c *customizer) copied(n *yaml.Node) (*yaml.Node, error) {
	if c.left--; c.left < 0 {
		return nil, fmt.Errorf("the patches have more than %d values", maxPatched)
	}
	out := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value, Style: n.Style}
	for _, child := range n.Content {
		one, err := c.copied(resolve(child))
		if err != nil {
			return nil, err
		}
		out.Content = append(out.Content, one)
	}
	return out, nil
}

// leaf returns a copy of a value that is not a mapping, templates replaced by what
// they make.
func (c *customizer) leaf(n *yaml.Node) (*yaml.Node, error) {
	out, err := c.copied(n)
	if err != nil {
		return nil, err
	}
	return out, c.fill(out)
}

// fill replaces the templates in n by what they make.
func (c *customizer) fill(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "{{") {
		text, err := c.execute(n.Value)
		if err != nil {
			return err
		}
		*n = yaml.Node{Kind: yaml.ScalarNode, Value: text} // a number or a boolean, too
	}
	for _, child := range n.Content {
		if err := c.fill(child); err != nil {
			return err
		}
	}
	return nil
}

// config returns the text at a path of keys, which may have dots themselves, ""
// for what has no text.
func (c *customizer) config(n *yaml.Node, path []string) string {
	if len(path) == 0 {
		if n.Kind == yaml.ScalarNode {
			return n.Value
		}
		return ""
	}
	for i := len(path); i > 0 && n.Kind == yaml.MappingNode; i-- {
		if value := valueOf(n, strings.Join(path[:i], ".")); value != nil {
			return c.config(value, path[i:])
		}
	}
	return ""
}

// valueOf returns the value of a key in a mapping, in any case, nil for none.
func valueOf(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if strings.EqualFold(n.Content[i].Value, key) {
			return resolve(n.Content[i+1])
		}
	}
	return nil
}

// put gives a key of a mapping its value.
func put(n *yaml.Node, key string, value *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if strings.EqualFold(n.Content[i].Value, key) {
			n.Content[i+1] = value
			return
		}
	}
	n.Content = append(n.Content, scalar(key), value)
}
