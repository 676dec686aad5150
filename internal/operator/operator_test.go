package operator

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// TestTable checks the table against the operators whose fields and sources are
// known before anything runs, and against the packages that there are.
func TestTable(t *testing.T) {
	all := All()
	index := func(name string) int {
		return slices.IndexFunc(all, func(o Operator) bool { return o.Name == name })
	}
	last := -1
	for _, p := range gadgetapi.Providers() {
		i := index(p.Name)
		if i <= last || all[i].Stage != Add || all[i].Adds == "" {
			t.Errorf("provider %q is operator number %d, not after %d among those that add fields", p.Name, i, last)
		}
		last = i
	}
	for _, s := range gadgetapi.OperatorSources() {
		if s.Operator != "" && index(s.Operator) < 0 {
			t.Errorf("source %q is filled by %q, which the table lacks", s.Name, s.Operator)
		}
	}
	order := []Stage{Fill, Change, Add, Choose, Shape}
	seen := map[string]bool{}
	for i, o := range all {
		if seen[o.Name] || o.Takes == "" || o.Package == "" {
			t.Errorf("operator %q is there twice, or not whole", o.Name)
		}
		seen[o.Name] = true
		if i > 0 && slices.Index(order, o.Stage) < slices.Index(order, all[i-1].Stage) {
			t.Errorf("operator %q of stage %s follows one of stage %s", o.Name, o.Stage, all[i-1].Stage)
		}
		// Bazel's tests see no other packages.
		if _, err := os.Stat("../../go.mod"); err == nil {
			if _, err := os.Stat(filepath.Join("../..", o.Package)); err != nil {
				t.Errorf("operator %q: %v", o.Name, err)
			}
		}
	}
}
