package gadget_test

import (
	"fmt"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

// TestKeys reads a file with every key of the tables, each with its
// example: none is unknown, of another type than the table says, or without a
// reader.
func TestKeys(t *testing.T) {
	for _, table := range gadget.MetadataKeys() {
		for _, key := range table.Keys {
			for _, path := range strings.Split(table.Path, ", ") {
				text := document(t, path, key)
				md, problems := gadget.ParseMetadata([]byte(text), "gadget.yaml", true)
				if err := problems.Err(); md == nil || err != nil {
					t.Errorf("%s.%s: %v in\n%s", path, key.Name, err, text)
				}
			}
		}
	}
	for _, key := range gadget.BuildKeys() {
		text := document(t, "", key)
		if _, problems := gadget.ParseBuildFile([]byte(text), "build.yaml"); problems.Err() != nil {
			t.Errorf("%v in\n%s", problems.Err(), text)
		}
	}
}

// document returns a file that has a key with its example, and checks that the
// example is of the key's type.
func document(t *testing.T, path string, key gadget.Key) string {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(key.Example), &n); err != nil || len(n.Content) != 1 {
		t.Fatalf("the example of %s.%s: %v", path, key.Name, err)
	}
	want := yaml.ScalarNode
	switch {
	case strings.HasPrefix(key.Type, "list"):
		want = yaml.SequenceNode
	case strings.HasPrefix(key.Type, "mapping"):
		want = yaml.MappingNode
	}
	if n.Content[0].Kind != want || key.Doc == "" {
		t.Errorf("%s.%s has type %q, example %s and doc %q", path, key.Name, key.Type, key.Example, key.Doc)
	}
	var out strings.Builder
	indent := ""
	for _, part := range strings.Split(path, ".") {
		if part != "" {
			fmt.Fprintf(&out, "%s%s:\n", indent, part)
			indent += "  "
		}
	}
	fmt.Fprintf(&out, "%s%s: %s\n", indent, key.Name, key.Example)
	return out.String()
}
