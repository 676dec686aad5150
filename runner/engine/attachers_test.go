package engine

import (
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// TestFunctionOfEveryKind checks the table of attach kinds against the
// functions that attach them, both ways.
func TestFunctionOfEveryKind(t *testing.T) {
	kinds := map[string]bool{}
	for _, k := range gadgetapi.Kinds() {
		kinds[k.Name] = true
		if has := attachers[k.Name] != nil || k.IsIterator(); has != k.Attachable() {
			t.Errorf("kind %q: attached %t, the table says %t", k.Name, has, k.Attachable())
		}
	}
	for name := range attachers {
		if !kinds[name] {
			t.Errorf("kind %q is not in the table", name)
		}
	}
}
