package gadgetapi

import (
	"strings"
	"testing"
)

// TestAnnotationTables checks what documents are made of: each annotation says what
// it does, has an example that it accepts, and is there once.
func TestAnnotationTables(t *testing.T) {
	for kind, table := range map[string][]Annotation{"source": SourceAnnotations(), "field": FieldAnnotations()} {
		seen := map[string]bool{}
		for _, a := range table {
			if name := strings.ToLower(a.Name); seen[name] {
				t.Errorf("%s annotation %q is there twice", kind, a.Name)
			} else {
				seen[name] = true
			}
			if a.Doc == "" || a.Example == "" {
				t.Errorf("%s annotation %q has doc %q and example %q", kind, a.Name, a.Doc, a.Example)
			}
			if got, err := CheckAnnotation(kind == "field", strings.ToUpper(a.Name), a.Example); err != nil || got != a.Name {
				t.Errorf("%s annotation %q with its example is %q, %v", kind, a.Name, got, err)
			}
			if a.Values() != anyText.want && a.values.valid("!") {
				t.Errorf("%s annotation %q takes %q for %s", kind, a.Name, "!", a.Values())
			}
		}
	}
}
