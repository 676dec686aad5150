package main

import (
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// TestPage finds every key and annotation below the heading where it belongs.
func TestPage(t *testing.T) {
	sections := map[string]string{}
	for _, section := range strings.Split(string(render()), "\n#")[1:] {
		heading, body, _ := strings.Cut(strings.TrimLeft(section, "#"), "\n")
		sections[strings.TrimSpace(heading)] = body
	}
	has := func(heading, name, doc string) {
		t.Helper()
		if row := "| `" + name + "` |"; !strings.Contains(sections[heading], row) || !strings.Contains(sections[heading],
			cell(doc)) {
			t.Errorf("%q has no row %q with %q", heading, row, doc)
		}
	}
	for _, table := range gadget.MetadataKeys() {
		heading := table.Path
		if heading == "" {
			heading = "gadget.yaml"
		}
		for _, k := range table.Keys {
			has(heading, k.Name, k.Doc)
		}
	}
	for _, k := range gadget.BuildKeys() {
		has("build.yaml", k.Name, k.Doc)
	}
	for _, a := range gadgetapi.SourceAnnotations() {
		has("Annotations of data sources", a.Name, a.Doc)
	}
	for _, a := range gadgetapi.FieldAnnotations() {
		has("Annotations of fields", a.Name, a.Doc)
	}
	for _, s := range gadgetapi.Specials() {
		has("Special types", s.Name, s.Doc)
	}
}
